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

/// Every verb, as the help lists them; of those that have verbs of their own, these.
fn verbs() -> Vec<String> {
    below("").iter().flat_map(|verb| ends(verb)).collect()
}

fn ends(verb: &str) -> Vec<String> {
    let below = below(verb);
    if below.is_empty() {
        return vec![verb.to_owned()];
    }
    let names = below.iter().map(|name| format!("{verb} {name}"));
    names.flat_map(|verb| ends(&verb)).collect()
}

/// The verbs that the help of one lists.
fn below(verb: &str) -> Vec<String> {
    let mut args: Vec<&str> = verb.split_whitespace().collect();
    args.push("--help");
    let help = armistice(&args);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

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
    let verbs = verbs();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in &verbs {
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
fn every_verb_is_in_the_readmes_table() {
    let readme = include_str!("../../../README.md");
    let rows: Vec<&str> = readme.lines().filter(|l| l.starts_with("| `")).collect();
    for verb in verbs() {
        let named = |row: &&str| {
            let (first, _) = row[2..].split_once(" | ").unwrap_or_default();
            [" ", "`"]
                .iter()
                .any(|end| first.contains(&format!("`{verb}{end}")))
        };
        assert!(
            rows.iter().any(named),
            "{verb} is not in the README's table"
        );
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
