//! Price tables from texts and files.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::price_table::PriceTable;

/// What of a text is shown when it cannot be read.
const SHOWN_CHARS: usize = 40;

impl PriceTable {
    /// Reads a table: litellm's list, or a file of MLflow's model catalog.
    ///
    /// A file of the catalog does not say whose models it is about: they are taken for anybody's.
    /// [`from_file`](Self::from_file) knows by the file's name.
    ///
    /// # Errors
    ///
    /// [`is_config`](Error::is_config): it is no JSON, or has no model with a price by token.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::{PriceTable, TokenUsage};
    /// let catalog = r#"{"models": {"m": {"pricing": {"input_per_million_tokens": 3.0}}}}"#;
    /// let prices = PriceTable::from_json(catalog)?;
    /// assert_eq!(prices.cost("m", None, &TokenUsage::new(1_000_000, 9)).unwrap().total(), 3.0);
    ///
    /// assert!(PriceTable::from_json("{}").unwrap_err().is_config());
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        Self::parse(text, None).map_err(|fix| {
            let shown: String = text.chars().take(SHOWN_CHARS).collect();
            Error::config("PriceTable::from_json", &shown, fix)
        })
    }

    /// Reads a table from a file, or from all `.json` files of a directory, such as MLflow's model
    /// catalog (`mlflow/utils/model_catalog` of the Python package).
    ///
    /// # Errors
    ///
    /// [`is_config`](Error::is_config): a file cannot be read, is no JSON, or has no model with a
    /// price by token; in a directory at least one must have one.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = mlflow_tracing::PriceTable::from_file("/nowhere/prices.json").unwrap_err();
    /// assert!(error.to_string().contains("/nowhere/prices.json"));
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        read("PriceTable::from_file", path.as_ref())
    }
}

/// Reads the file or directory that `place` names.
pub(crate) fn read(place: &str, path: &Path) -> Result<PriceTable> {
    let error = |fix: String| Error::config(place, &path.display().to_string(), fix);
    if !path.is_dir() {
        return of_file(path).map_err(error);
    }
    let tables = files(path).map_err(|cause| error(unreadable(&cause)))?.into_iter();
    let tables: Vec<_> = tables.filter_map(|file| of_file(&file).ok()).collect();
    if tables.is_empty() {
        return Err(error("no .json file in it has a model with a price by token".to_owned()));
    }
    Ok(PriceTable::merged(tables))
}

/// A file of the catalog is called as the provider is.
fn of_file(path: &Path) -> std::result::Result<PriceTable, String> {
    let text = fs::read_to_string(path).map_err(|cause| unreadable(&cause))?;
    PriceTable::parse(&text, path.file_stem().and_then(OsStr::to_str))
}

fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("json")));
    Ok(paths)
}

fn unreadable(cause: &std::io::Error) -> String {
    format!("the file cannot be read: {cause}")
}
