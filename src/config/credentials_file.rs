//! `~/.mlflow/credentials`: user and password where the Python SDK looks for them, too.
//!
//! Source: mlflow 3.17.2 `utils/credentials.py`: section `[mlflow]`, keys
//! `mlflow_tracking_username` and `mlflow_tracking_password`; variables win, each on its own.

use std::io::ErrorKind;
use std::path::Path;

use crate::config::env::Env;
use crate::config::explain::Explanation;
use crate::config::variable as var;

/// What the file says.
#[derive(Default)]
pub(crate) struct CredentialsFile {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

impl CredentialsFile {
    /// The file's name in explanations.
    pub(crate) const SHOWN: &str = "~/.mlflow/credentials";

    /// The file in the home directory that `env` names; what is not there says nothing.
    pub(crate) fn of(env: &Env, explanation: &mut Explanation) -> Self {
        let Some((_, home)) = env.first(&[var::HOME, var::USERPROFILE]) else {
            return Self::default();
        };
        match std::fs::read_to_string(Path::new(home).join(".mlflow").join("credentials")) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::NotADirectory {
                    explanation.warn(format!("{} cannot be read: {error}", Self::SHOWN));
                }
                Self::default()
            }
        }
    }

    fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let mut in_section = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                in_section = section == "mlflow";
                continue;
            }
            let Some((key, value)) = line.split_once(['=', ':']).filter(|_| in_section) else {
                continue;
            };
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match key.trim().to_ascii_lowercase().as_str() {
                "mlflow_tracking_username" => found.user = value,
                "mlflow_tracking_password" => found.password = value,
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_stand_in_the_section_mlflow() {
        let found = CredentialsFile::parse(
            "[other]\nmlflow_tracking_username = no\n[mlflow]\n# a comment\n\
             MLFLOW_tracking_username = anna\nmlflow_tracking_password: a=b:c\n[end]\n\
             mlflow_tracking_password = no\n",
        );
        assert_eq!(found.user.as_deref(), Some("anna"));
        assert_eq!(found.password.as_deref(), Some("a=b:c"));
    }

    #[test]
    fn a_file_of_anything_says_nothing() {
        for text in
            ["", "[mlflow]", "mlflow_tracking_username = x", "[mlflow]\nmlflow_tracking_username ="]
        {
            let found = CredentialsFile::parse(text);
            assert!(found.user.is_none() && found.password.is_none(), "{text}");
        }
    }
}
