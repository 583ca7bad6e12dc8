//! Help, man page, completions and README come from, or agree with, the one
//! definition.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::process::Command;

fn armistice(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_armistice"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

const VERBS: [&str; 13] = [
    "register",
    "unregister",
    "status",
    "verify",
    "explain",
    "guard",
    "shell",
    "image build",
    "generate man",
    "pull",
    "images",
    "rmi",
    "prune",
];

/// The long options that a verb's help names.
fn options(verb: &str) -> Vec<String> {
    let mut args: Vec<&str> = verb.split(' ').collect();
    args.push("--help");
    let help = armistice(&args);
    let starts = help
        .lines()
        .map(str::trim_start)
        .filter(|l| l.starts_with('-'));
    starts
        .flat_map(|l| {
            l.split_whitespace()
                .find(|w| w.starts_with("--"))
                .map(str::to_owned)
        })
        .map(|o| {
            o.trim_end_matches(',')
                .split(['=', '['])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_option_is_in_the_man_page_and_the_completions() {
    let man = armistice(&["generate", "man"]).replace("\\-", "-");
    let bash = armistice(&["generate", "completions", "bash"]);
    for verb in VERBS {
        let options = options(verb);
        assert!(!options.is_empty(), "no options in the help of {verb}");
        for option in options {
            assert!(
                man.contains(&option),
                "{option} of {verb} is not in the man page"
            );
            assert!(
                bash.contains(&option),
                "{option} of {verb} is not in bash's completions"
            );
        }
    }
}

#[test]
fn every_verb_is_in_the_readme() {
    let readme = include_str!("../../../README.md");
    for verb in VERBS {
        assert!(readme.contains(verb), "{verb} is not in the README");
    }
}

#[test]
fn completions_exist_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            armistice(&["generate", "completions", shell]).contains("armistice"),
            "{shell}"
        );
    }
}

#[test]
fn colours_only_where_asked_for() {
    let explain = |args: &[&str], no_color: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_armistice"))
            .args(["explain", "/proc/self/exe"])
            .args(args)
            .env("NO_COLOR", no_color)
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!explain(&[], ""), "a pipe");
    assert!(explain(&["--color", "always"], ""));
    assert!(!explain(&["--color", "never"], ""));
    assert!(!explain(&[], "1"));
}
