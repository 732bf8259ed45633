// SPDX-License-Identifier: GPL-2.0

//! Runs the programs of a directory through the compiler with ui_test, and writes the results as KTAP.
//!
//! usage: compile_fail PROGRAMS KERNELDIR OUTPUT [--bless] [NAME…]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use ui_test::{
    Args, CommandBuilder, Config, TestOk, bless_output_files,
    color_eyre::eyre::Result,
    default_file_filter, ignore_output_conflict, run_tests_generic,
    status_emitter::{RevisionStyle, StatusEmitter, Summary, TestStatus, Text},
    test_result::TestResult,
};

/// How each program behaved, by its path.
type Results = Arc<Mutex<BTreeMap<PathBuf, Outcome>>>;

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Right,
    Wrong,
    Skipped,
}

/// Collects the results and writes them in the end, in the order of their names.
struct Ktap {
    results: Results,
    programs: PathBuf,
    output: PathBuf,
}

impl StatusEmitter for Ktap {
    fn register_test(&self, path: PathBuf) -> Box<dyn TestStatus> {
        Box::new(Program {
            path,
            results: self.results.clone(),
        })
    }

    fn finalize(&self, _: usize, _: usize, _: usize, _: usize, _: bool) -> Box<dyn Summary> {
        let results = self.results.lock().unwrap();
        let mut text = format!("1..{}\n", results.len());
        for (number, (path, outcome)) in (1..).zip(results.iter()) {
            let name = path
                .strip_prefix(&self.programs)
                .unwrap()
                .with_extension("");
            let not = if *outcome == Outcome::Wrong {
                "not "
            } else {
                ""
            };
            let skip = if *outcome == Outcome::Skipped {
                " # SKIP not for this kernel"
            } else {
                ""
            };
            writeln!(text, "{not}ok {number} {}{skip}", name.display()).unwrap();
        }
        std::fs::write(&self.output, text).unwrap();
        Box::new(())
    }
}

struct Program {
    path: PathBuf,
    results: Results,
}

impl TestStatus for Program {
    fn for_revision(&self, _: &str, _: RevisionStyle) -> Box<dyn TestStatus> {
        self.for_path(&self.path)
    }

    fn for_path(&self, path: &Path) -> Box<dyn TestStatus> {
        Box::new(Program {
            path: path.into(),
            results: self.results.clone(),
        })
    }

    fn failed_test<'a>(&'a self, _: &'a str, _: &'a [u8], _: &'a [u8]) -> Box<dyn Debug + 'a> {
        Box::new(())
    }

    fn done(&self, result: &TestResult, aborted: bool) {
        let outcome = match result {
            Ok(TestOk::Ok) if !aborted => Outcome::Right,
            Ok(TestOk::Ignored) => Outcome::Skipped,
            _ => Outcome::Wrong,
        };
        self.results
            .lock()
            .unwrap()
            .insert(self.path.clone(), outcome);
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn revision(&self) -> &str {
        ""
    }
}

/// Copies the programs: in the copy any error will do, on each line that is marked for one.
fn without_words(programs: &Path, copy: &Path) -> Result<PathBuf> {
    for group in std::fs::read_dir(programs)? {
        let group = group?;
        let name = group.file_name();
        if name == "runner" || !group.file_type()?.is_dir() {
            continue;
        }
        std::fs::create_dir_all(copy.join(&name))?;
        for program in std::fs::read_dir(group.path())? {
            let program = program?.path();
            if program
                .extension()
                .is_some_and(|extension| extension == "rs")
            {
                let text = std::fs::read_to_string(&program)?;
                let file = program.file_name().unwrap();
                std::fs::write(copy.join(&name).join(file), marked_lines(&text))?;
            }
        }
    }
    Ok(copy.into())
}

/// The program with one mark on each line on which its marks expect an error.
fn marked_lines(text: &str) -> String {
    let mut marked = BTreeSet::new();
    let mut last = 0;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((code, mark)) = line.split_once("//~") else {
            // What is in another file for one compiler may be in this one for the next.
            let elsewhere = line.starts_with("//@error-in-other-file");
            lines.push(if elsewhere { "" } else { line }.to_string());
            continue;
        };
        let distance = mark.len() - mark.trim_start_matches(['^', 'v']).len();
        last = match mark.as_bytes()[0] {
            b'^' => number - distance,
            b'v' => number + distance,
            b'|' => last,
            _ => number,
        };
        marked.insert(last);
        lines.push(code.to_string());
    }
    for number in marked {
        lines[number] += "//~ ERROR: /./";
    }
    lines.join("\n") + "\n"
}

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let mut path = || PathBuf::from(args.next().expect("usage: see the source"));
    let (programs, kernel, output) = (path(), path(), path());
    let args = Args::default().parse_args(args.map(|arg| arg.into_string().unwrap()))?;

    let name = std::env::var("KERNEL").unwrap_or("stock".into());
    // The target is in Kbuild's flags; here it is the kernel, for `//@only-target: rt` and `//@ignore-target: linux-7-2`.
    let release = std::fs::read_to_string(kernel.join("release"))?;
    let series: Vec<_> = release.split('.').take(2).collect();
    let target = format!("{name} linux-{}", series.join("-"));
    // The words of the compiler are those of the stock kernel's, which the .stderr files have.
    let other_words = name == "unstable";
    let root = if other_words {
        without_words(&programs, &output.join("programs"))?
    } else {
        programs.clone()
    };
    let mut config = Config {
        host: Some(target.clone()),
        target: Some(target),
        program: CommandBuilder {
            program: programs.join("rustc"),
            args: [
                "--error-format=json",
                // An assertion in a `const` block fails only when there is code to generate.
                "--emit=obj",
                // Leaves line numbers out of what it prints, which a change elsewhere would move.
                "-Zui-testing",
                // Says long types in full, however long the name of this directory makes them.
                "-Zwrite-long-types-to-disk=no",
                // A program has as much documentation as it needs.
                "-Amissing_docs",
            ]
            .map(Into::into)
            .into(),
            ..CommandBuilder::rustc()
        },
        out_dir: output.join("objects"),
        bless_command: Some("selftests/host/compile_fail.sh --bless".into()),
        ..Config::rustc(&root)
    };
    config.with_args(&args);
    if other_words {
        config.output_conflict_handling = ignore_output_conflict;
        // It may say more than the lines that are marked, or say it in another file.
        config.comment_defaults.base().require_annotations = Default::default();
    } else if args.bless {
        config.output_conflict_handling = bless_output_files;
    }
    // The suggestions of the compiler are for a person to weigh.
    config.comment_defaults.base().custom.clear();
    config.skip_files.push("/runner/".into());

    // Where things are, and the lines of what is not the program's own, are nobody's business.
    let checkout = programs.join("../..").canonicalize()?;
    for (path, name) in [
        (programs.as_path(), "$DIR"),
        (&checkout, "$KALLOC"),
        (&kernel.join("source").canonicalize()?, "$KERNEL"),
        (Path::new("/usr/lib/rustlib/src/rust/library"), "$RUST"),
    ] {
        config
            .comment_defaults
            .base()
            .normalize_stderr
            .push((path.into(), name.into()));
    }
    config.stderr_filter(r"(\$(KALLOC|KERNEL|RUST)/[^ :]+):[0-9]+:[0-9]+", "$1:LL:CC");

    // Nor is what stands there, unless the error itself is there.
    config.stderr_filter(
        concat!(
            r"(?m)(^note: .*\n +--> \$(?:KALLOC|KERNEL|RUST).*|^ +::: \$(?:KALLOC|KERNEL|RUST).*)",
            r"\n(?: *\|.*\n|LL .*\n|\.\.\..*\n)+",
        ),
        "$1\n",
    );
    // Every new type would change the first few of a trait's types.
    config.stderr_filter(
        r"(the following (other )?types implement .*:\n)( {13,}.*\n| +and .* others\n)+",
        "${1}             ...\n",
    );

    let ktap = Ktap {
        results: Results::default(),
        programs: root,
        output: output.join("ktap"),
    };
    run_tests_generic(
        vec![config],
        default_file_filter,
        |_, _| (),
        (Text::quiet(), ktap),
    )
}
