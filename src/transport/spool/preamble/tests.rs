use super::*;

fn preamble(destination: &str) -> Preamble {
    Preamble { salt: 7, first: 9, destination: destination.to_owned() }
}

#[test]
fn either_copy_is_enough() {
    for destination in ["", "otlp http://collector:4318/é", &"x".repeat(MAX_DESTINATION)] {
        let preamble = preamble(destination);
        let good = preamble.write();
        assert_eq!(length_of(good.len()), preamble.length());
        assert!(good.len() <= MAX_LENGTH);
        for copy in [0, 1] {
            let mut bytes = good.clone();
            let half = bytes.len() / 2;
            bytes[copy * half..(copy + 1) * half].fill(0xee);
            bytes.extend([1, 2, 3]);
            assert_eq!(read(&bytes), Beginning::Good(preamble.clone()), "{destination} {copy}");
        }
    }
}

#[test]
fn what_was_cut_while_it_was_made_is_torn() {
    let good = preamble("somewhere").write();
    for length in 0..good.len() / 2 {
        assert_eq!(read(&good[..length]), Beginning::Torn, "{length}");
    }
    assert_eq!(read(&good[..good.len() / 2]), Beginning::Good(preamble("somewhere")));
    assert_eq!(read(&[0; 4096]), Beginning::Torn, "zeros, as a loss of power leaves");
}

#[test]
fn a_later_version_is_known_and_anything_else_is_bad() {
    let mut bytes = preamble("somewhere").write();
    let half = bytes.len() / 2;
    bytes[8] = 2;
    assert_eq!(read(&bytes), Beginning::Good(preamble("somewhere")), "one copy is good");
    bytes[half + 8] = 2;
    assert_eq!(read(&bytes), Beginning::Newer);
    bytes[8] = 0;
    assert_eq!(read(&bytes), Beginning::Bad);
    assert_eq!(read(&[b'x'; 100]), Beginning::Bad);
}
