use super::super::tests::Scratch;
use super::*;

fn fingerprint(number: usize) -> Fingerprint {
    Fingerprint::of(&number.to_le_bytes())
}

fn at(bytes: u64) -> Position {
    Position { bytes, lines: bytes / 10 }
}

#[test]
fn what_was_saved_is_loaded() {
    let scratch = Scratch::new();
    let mut checkpoint = Checkpoint::load(scratch.path(), "somewhere").unwrap();
    assert_eq!(checkpoint.position(fingerprint(1)), Position::default());
    checkpoint.note(fingerprint(1), at(10));
    checkpoint.note(fingerprint(2), at(u64::MAX));
    checkpoint.note(fingerprint(1), at(30));
    checkpoint.save().unwrap();
    let mut loaded = Checkpoint::load(scratch.path(), "somewhere").unwrap();
    assert_eq!(loaded.position(fingerprint(1)), at(30));
    assert_eq!(loaded.position(fingerprint(2)), at(u64::MAX));
    loaded.forget();
    assert_eq!(loaded.position(fingerprint(1)), Position::default());
}

#[test]
fn each_set_of_destinations_has_its_own() {
    let scratch = Scratch::new();
    let mut one = Checkpoint::load(scratch.path(), "one").unwrap();
    one.note(fingerprint(1), at(10));
    one.save().unwrap();
    let other = Checkpoint::load(scratch.path(), "other").unwrap();
    assert_eq!(other.position(fingerprint(1)), Position::default());
}

#[test]
fn the_oldest_entries_make_room() {
    let scratch = Scratch::new();
    let mut checkpoint = Checkpoint::load(scratch.path(), "somewhere").unwrap();
    checkpoint.note(fingerprint(0), at(1));
    (1..MAX_FILES).for_each(|number| checkpoint.note(fingerprint(number), at(1)));
    checkpoint.note(fingerprint(0), at(2));
    checkpoint.note(fingerprint(MAX_FILES), at(1));
    assert_eq!(checkpoint.position(fingerprint(0)), at(2), "it was sent from lately");
    assert_eq!(checkpoint.position(fingerprint(1)), Position::default());
    assert_eq!(checkpoint.positions.len(), MAX_FILES);
}

#[test]
fn one_that_cannot_be_read_is_an_empty_one() {
    let scratch = Scratch::new();
    let path = Checkpoint::load(scratch.path(), "somewhere").unwrap().path;
    for content in ["", "{", "[]", r#"{"files":[{"begins":"xyz","bytes":1,"lines":1}]}"#] {
        fs::write(&path, content).unwrap();
        let checkpoint = Checkpoint::load(scratch.path(), "somewhere").unwrap();
        assert_eq!(checkpoint.positions, [], "{content}");
    }
}

#[test]
fn one_that_cannot_be_written_says_which() {
    let scratch = Scratch::new();
    let checkpoint = Checkpoint::load(&scratch.path().join("nowhere"), "somewhere").unwrap();
    let error = checkpoint.save().unwrap_err().to_string();
    assert!(error.contains("nowhere") && error.contains("replay-"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let checkpoint = Checkpoint::load(scratch.path(), "somewhere").unwrap();
    // Half a file that an earlier run left, readable by all.
    let left = scratch.write("left", "{");
    fs::rename(left, checkpoint.path.with_extension("json.new")).unwrap();
    checkpoint.save().unwrap();
    assert_eq!(fs::metadata(&checkpoint.path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    assert!(read(&fs::read(&checkpoint.path).unwrap()).is_some());
}
