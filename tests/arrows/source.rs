//! Reads a Rust file as the arrows need it: comments, texts and test-only items gone, what is left cut into tokens, and
//! every path (`use` trees spread out) with its line. It knows just enough of the language for that, and no rule.

/// One token that is left of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// A name, a number, or a single mark; `::` is one mark.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// A path as it stands in the source, `use` groups spread out: `use a::{b, c::d}` gives `a::b` and `a::c::d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathUse {
    /// Its segments.
    pub(crate) segments: Vec<String>,
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
}

/// The tokens of `text` without comments, texts, and items under `#[cfg(test)]`.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    without_tests(&lex(text))
}

/// Modules that the file declares for tests only: `#[cfg(test)] mod x;` names the file `x.rs`, `x/mod.rs`.
pub(crate) fn test_only_modules(text: &str) -> Vec<String> {
    let all = lex(text);
    let mut names = Vec::new();
    for at in 0..all.len() {
        if let Some(item) = after_cfg_test(&all, at) {
            let words: Vec<&str> =
                all[item..].iter().map(|t| t.text.as_str()).filter(|t| *t != "pub").take(3).collect();
            if let ["mod", name, ";"] = words[..] {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Every path of `tokens`; a lone name is a path of one segment.
pub(crate) fn paths(tokens: &[Token]) -> Vec<PathUse> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_name() || tokens[at].text == "::" {
            at = path(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads the path that begins at `at`, with `before` in front of it; gives where it ended.
fn path(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<PathUse>) -> usize {
    let line = tokens[at].line;
    let mut segments = before.to_vec();
    // A path from the root of all crates, `::std::fs`, names the same as one without.
    if tokens[at].text == "::" {
        at += 1;
    }
    loop {
        match tokens.get(at) {
            Some(token) if token.is_name() => {
                segments.push(token.text.clone());
                at += 1;
            }
            Some(token) if token.text == "{" && !segments.is_empty() => {
                return group(tokens, at + 1, &segments, found);
            }
            Some(token) if token.text == "*" => {
                segments.push("*".to_owned());
                at += 1;
            }
            _ => break,
        }
        if tokens.get(at).is_none_or(|t| t.text != "::") {
            break;
        }
        at += 1;
    }
    if !segments.is_empty() {
        found.push(PathUse { segments, line });
    }
    at
}

/// Reads the branches of a `use` group after its `{`; gives where it ended.
fn group(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<PathUse>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            "*" => {
                let mut segments = before.to_vec();
                segments.push("*".to_owned());
                found.push(PathUse { segments, line: token.line });
                at += 1;
            }
            _ if token.is_name() => at = path(tokens, at, before, found),
            _ => at += 1,
        }
    }
    at
}

/// Where the item under `#[cfg(test)]` begins, if such an attribute begins at `at`.
fn after_cfg_test(tokens: &[Token], at: usize) -> Option<usize> {
    let words: Vec<&str> = tokens.iter().skip(at).take(7).map(|t| t.text.as_str()).collect();
    if words != ["#", "[", "cfg", "(", "test", ")", "]"] {
        return None;
    }
    let mut item = at + 7;
    // Further attributes of the same item.
    while tokens.get(item).is_some_and(|t| t.text == "#") {
        item = past_brackets(tokens, item + 1);
    }
    Some(item)
}

/// From an opening bracket to just behind the one that closes it.
fn past_brackets(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut left = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let Some(mut item) = after_cfg_test(all, at) else {
            left.push(all[at].clone());
            at += 1;
            continue;
        };
        // The item ends with its first `;` or with the block that closes its first `{`, outside other brackets.
        while let Some(token) = all.get(item) {
            match token.text.as_str() {
                ";" => {
                    item += 1;
                    break;
                }
                "{" => {
                    item = past_brackets(all, item);
                    break;
                }
                "(" | "[" => item = past_brackets(all, item),
                _ => item += 1,
            }
        }
        at = item;
    }
    left
}

/// Cuts `text` into tokens; comments and the insides of texts and characters fall away.
fn lex(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1).copied();
        let end = match (chars[at], next) {
            ('/', Some('/')) => past_line(&chars, at),
            ('/', Some('*')) => past_comment(&chars, at),
            ('"', _) => past_text(&chars, at + 1),
            ('r' | 'b' | 'c', _) if prefixed_text(&chars, at).is_some() => {
                prefixed_text(&chars, at).unwrap_or(at + 1)
            }
            ('\'', _) => past_char_or_lifetime(&chars, at),
            (c, _) if c.is_alphanumeric() || c == '_' => {
                let end = (at..chars.len())
                    .find(|i| !(chars[*i].is_alphanumeric() || chars[*i] == '_'))
                    .unwrap_or(chars.len());
                tokens.push(Token { text: chars[at..end].iter().collect(), line });
                end
            }
            (':', Some(':')) => {
                tokens.push(Token { text: "::".to_owned(), line });
                at + 2
            }
            (c, _) if c.is_whitespace() => at + 1,
            (c, _) => {
                tokens.push(Token { text: c.to_string(), line });
                at + 1
            }
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn past_line(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn past_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at.min(chars.len())
}

fn past_text(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a text that begins at `at` with a prefix: `b"`, `r"`, `r#"`, `br##"`, `c"` and the like.
fn prefixed_text(chars: &[char], at: usize) -> Option<usize> {
    if at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') {
        return None;
    }
    let prefix: String = chars[at..].iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).take(2).collect();
    let mut open = at + prefix.len();
    let hashes = chars[open..].iter().take_while(|c| **c == '#').count();
    open += hashes;
    if chars.get(open) != Some(&'"') || (hashes > 0 && !prefix.ends_with('r')) {
        return None;
    }
    if !prefix.ends_with('r') {
        return Some(past_text(chars, open + 1));
    }
    let close = (open + 1..chars.len()).find(|i| {
        chars[*i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    });
    Some(close.map_or(chars.len(), |close| close + 1 + hashes))
}

fn past_char_or_lifetime(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            (at + 3..chars.len()).find(|i| chars[*i] == '\'').map_or(chars.len(), |close| close + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        paths(&tokens(text)).into_iter().map(|p| p.segments.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        assert_eq!(
            read("use crate::{model::{Fault, Line as L}, modem::port::*}; use std::fs;"),
            ["use", "crate::model::Fault", "crate::model::Line", "crate::modem::port::*", "use", "std::fs"]
        );
    }

    #[test]
    fn comments_texts_and_characters_say_nothing() {
        let text = "// a::b\n/* c /* d */ e */ let x = \"f::g \\\" h\"; r#\"i\"j\"#; b\"k\"; '\"'; '\\''; &'l m; b'n'; o";
        assert_eq!(read(text), ["let", "x", "l", "m", "b", "o"]);
    }

    #[test]
    fn lines_are_counted_over_comments_and_texts() {
        let found = tokens("/* \n */ \"\n\"\nlast");
        assert_eq!(found.last().map(|t| t.line), Some(4));
    }

    #[test]
    fn items_for_tests_are_left_out_and_no_more_than_they() {
        let text = "#[cfg(test)]\n#[allow(x)]\nmod tests { use a::b; fn c() { { } } }\nuse d::e;\n#[cfg(test)] use f::g;\nh";
        assert_eq!(read(text), ["use", "d::e", "h"]);
        assert_eq!(test_only_modules("#[cfg(test)]\nmod trials;\nmod kept;"), ["trials"]);
    }
}
