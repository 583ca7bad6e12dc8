//! The first line of a script, by the cases of the kernel's reading.

use armistice_arch::Shebang;
use proptest::prelude::*;

fn parsed(file: &[u8]) -> Option<(String, Option<String>)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Shebang::parse(file).map(|s| (text(s.interpreter), s.argument.map(text)))
}

#[test]
fn words_blanks_and_ends() {
    for (file, interpreter, argument) in [
        (&b"#!/bin/sh\n"[..], "/bin/sh", None),
        (b"#! \t /bin/sh \t \n", "/bin/sh", None),
        (b"#!/bin/sh -e -x  \necho", "/bin/sh", Some("-e -x")),
        (b"#!/bin/sh\r\n", "/bin/sh\r", None),
        (b"#!/bin/sh -e\r\n", "/bin/sh", Some("-e\r")),
        // Without a line break, the file's end is a zero byte.
        (b"#!/bin/sh", "/bin/sh", None),
        (b"#!/bin/sh -e ", "/bin/sh", Some("-e ")),
        (b"#!/bin/sh ", "/bin/sh", Some("")),
        (b"#!/bin/sh\0 -e\n", "/bin/sh", None),
        (b"#!", "", None),
    ] {
        let wanted = Some((interpreter.to_owned(), argument.map(str::to_owned)));
        assert_eq!(parsed(file), wanted, "{}", file.escape_ascii());
    }
}

#[test]
fn what_is_no_script() {
    for file in [
        &b""[..],
        b"#",
        b"# !/bin/sh\n",
        b" #!/bin/sh\n",
        b"#!\n",
        b"#!  \t\n/bin/sh",
    ] {
        assert_eq!(parsed(file), None, "{}", file.escape_ascii());
    }
}

#[test]
fn a_path_has_to_end_within_256_bytes() {
    let line = |len: usize, end: &str| format!("#!/{}{end}", "x".repeat(len - 3)).into_bytes();
    assert!(parsed(&line(255, "\n")).is_some());
    assert!(parsed(&line(255, " -e\n")).is_some());
    assert_eq!(parsed(&line(256, "\n")), None);
    // An argument that does not end there is cut off.
    let cut = parsed(&line(250, &format!(" {}\n", "y".repeat(20)))).and_then(|s| s.1);
    assert_eq!(cut, Some("yyyy".to_owned()));
}

proptest! {
    #[test]
    fn any_bytes_are_read(file in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Shebang::parse(&[b"#!", &file[..]].concat());
    }
}
