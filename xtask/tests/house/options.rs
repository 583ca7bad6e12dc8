//! The options of the command, and where other crates write them: a library is called by others
//! than the command's users, so what it says of an error must not name an option. The command
//! words that (`crates/armistice/src/remedy.rs`).
//!
//! Literals are read, and comments of documentation with them, which are literals to a compiler.
//! What is compiled for tests alone is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Field, Lit, Meta, Token};

/// Where an option of another program has the name of one of the command's.
const OF_OTHERS: [&str; 1] = ["buildx --output"];

/// The long options that a definition by clap has, each with its two hyphens.
pub(crate) fn defined(text: &str) -> Vec<String> {
    let parsed = syn::parse_file(text).expect("the definition is Rust");
    let mut fields = Fields(Vec::new());
    fields.visit_file(&parsed);
    fields.0
}

struct Fields(Vec<String>);

impl<'ast> Visit<'ast> for Fields {
    fn visit_field(&mut self, field: &'ast Field) {
        let arguments = field.attrs.iter().filter(|a| a.path().is_ident("arg"));
        for name in arguments.flat_map(|attribute| names(attribute, field)) {
            self.0.push(format!("--{name}"));
        }
        visit::visit_field(self, field);
    }
}

/// The names that one `#[arg(...)]` gives: `long`, `long = "..."`, `alias = "..."`.
fn names(attribute: &Attribute, field: &Field) -> Vec<String> {
    let all = Punctuated::<Meta, Token![,]>::parse_terminated;
    let all = attribute
        .parse_args_with(all)
        .expect("clap reads it as well");
    let name = |meta: Meta| match meta {
        Meta::Path(path) if path.is_ident("long") => {
            let field = field.ident.as_ref().expect("an option has a name");
            Some(field.to_string().replace('_', "-"))
        }
        Meta::NameValue(pair) if pair.path.is_ident("long") || pair.path.is_ident("alias") => {
            match pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            }
        }
        _ => None,
    };
    all.into_iter().filter_map(name).collect()
}

/// The lines of a file that have one of these options in a literal, each with that option.
pub(crate) fn named<'a>(text: &str, options: &'a [String]) -> Vec<(usize, &'a str)> {
    let tokens = text.parse().expect("the file is Rust");
    let mut found = Vec::new();
    literals(tokens, &mut |literal, line| {
        let has = |option: &&String| is_in(option, literal);
        found.extend(options.iter().filter(has).map(|o| (line, o.as_str())));
    });
    found
}

fn literals(tokens: TokenStream, found: &mut impl FnMut(&str, usize)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Literal(literal) => {
                found(&literal.to_string(), literal.span().start().line);
            }
            TokenTree::Group(group) if is_for_tests(group) => {
                let is_end = |token: &TokenTree| match token {
                    TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                    TokenTree::Punct(punct) => punct.as_char() == ';',
                    _ => false,
                };
                let length = tokens[at..].iter().position(is_end);
                at = length.map_or(tokens.len(), |length| at + length + 1);
            }
            TokenTree::Group(group) => literals(group.stream(), found),
            _ => {}
        }
    }
}

/// Whether it is the bracket of `#[cfg(test)]`.
fn is_for_tests(group: &proc_macro2::Group) -> bool {
    let text = group.stream().to_string();
    group.delimiter() == Delimiter::Bracket && text.split_whitespace().eq(["cfg", "(test)"])
}

/// Whether a text has an option that is not the beginning or the end of another word.
fn is_in(option: &str, text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '-';
    text.match_indices(option).any(|(at, _)| {
        let (before, end) = (&text[..at], at + option.len());
        let of_others = OF_OTHERS.iter().any(|other| text[..end].ends_with(other));
        !of_others && !before.ends_with(is_word) && !text[end..].starts_with(is_word)
    })
}

/// The reader finds what it is for, and nothing else.
#[test]
fn options_are_found() {
    let options = defined(
        r#"struct Args {
            #[arg(short, long, value_name = "X")] dry_run: bool,
            #[arg(long = "mirror", alias = "net", env = "Y")] mirrors: Vec<String>,
            #[arg(value_name = "FILE")] file: PathBuf,
        }"#,
    );
    assert_eq!(options, ["--dry-run", "--mirror", "--net"]);
    let count = |text: &str| named(text, &options).len();
    assert_eq!(count(r#"fn f() { println!("use --mirror") }"#), 1);
    assert_eq!(count(r#"#[error("'--dry-run' helps")] struct A;"#), 1);
    assert_eq!(count("/// As `--net` says.\nstruct A;"), 1);
    assert_eq!(count("// As `--net` says.\nstruct A;"), 0);
    assert_eq!(
        count(r#"const A: &str = "--mirrored ---net x--dry-run";"#),
        0
    );
    let output = ["--output".to_owned()];
    assert!(named(r#"const A: &str = "buildx --output type=oci";"#, &output).is_empty());
    assert_eq!(
        named(r#"const A: &str = "see --output";"#, &output).len(),
        1
    );
    let tested = r#"#[cfg(test)] mod tests { const A: &str = "--net"; } const B: &str = "--net";"#;
    assert_eq!(count(tested), 1);
}
