//! What a module of TypeScript exports, as far as its text shows. No parser: what it cannot tell, it takes
//! for exported.

/// Whether a module exports a class, as far as its text shows; one that exports all of another module may.
pub(crate) fn exports(text: &str, class: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let words: Vec<&str> = text
        .split(|letter: char| !is_part(letter) && letter != '*' && letter != '{' && letter != '}')
        .filter(|word| !word.is_empty())
        .collect();
    let mut in_list = false;
    let mut before = "";
    let mut exported = false;
    for word in words {
        match (before, word) {
            ("export", "*") => return true,
            ("export", _) => exported = true,
            ("class", name) if exported && name == class => return true,
            _ => {}
        }
        if exported && word.starts_with('{') && before == "export" {
            in_list = true;
        }
        if in_list && word.split(['{', '}']).any(|name| name == class) {
            return true;
        }
        if word.contains('}') {
            in_list = false;
        }
        if !matches!(word, "class" | "abstract" | "default" | "export") {
            exported = false;
        }
        before = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_found_in_each_of_its_forms() {
        for text in [
            "export class A extends B {}",
            "class A {}\nexport { A };",
            "export {X,A}",
            "export { B as A } from './b'",
            "export * from './a'",
            "export abstract class A {}",
        ] {
            assert!(exports(text, "A"), "{text}");
        }
        for text in [
            "class A {}",
            "export class AB {}",
            "export const a = A;",
            "import { A } from 'x'; export default {}",
        ] {
            assert!(!exports(text, "A"), "{text}");
        }
    }
}
