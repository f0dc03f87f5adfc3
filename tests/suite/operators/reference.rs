//! `docs/reference.md`: the help of each program and command, as the programs print it.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::harness::process::binary;

/// Where the document is, for a test of this package.
const PATH: &str = "../docs/reference.md";

/// The programs, each with its commands.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("gateway", &[]),
    ("db_process", &[]),
    ("chainring", &["dev", "status", "watch", "accept-loss", "token"]),
];

#[test]
fn the_reference_is_what_the_programs_say() {
    let reference = reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(PATH, &reference).expect("it can be written");
    }
    let kept = fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == reference, "docs/reference.md is out of date: run `make reference`");
}

fn reference() -> String {
    let mut text = String::from(
        "# Reference\n\n\
         Every flag and every environment variable, as `--help` prints them. `make reference` writes this\n\
         page. A flag goes before its variable; [operate](operate.md) has the rest.\n",
    );
    for (program, commands) in PROGRAMS {
        add(&mut text, "##", program, &[]);
        for command in commands {
            add(&mut text, "###", program, &[command]);
        }
    }
    text
}

fn add(text: &mut String, level: &str, program: &str, command: &[&str]) {
    // The width of the page does not depend on a terminal, nor its defaults on variables.
    let output = Command::new(binary(program)).args(command).arg("--help").env_clear().output();
    let help = String::from_utf8(output.expect("it starts").stdout).expect("text");
    let name = [&[program], command].concat().join(" ");
    let lines = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    write!(text, "\n{level} {name}\n\n```text\n{lines}\n```\n").expect("a string takes all");
}
