//! The page for a browser.

use crate::served::Served;

#[test]
fn a_browser_gets_the_page_and_all_that_it_names_from_this_server_alone() {
    let served = Served::start(&[]);
    let headers = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = served.get_with("/", &headers);
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for (path, kind) in [
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/abbreviations.js", "text/javascript"),
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").unwrap().starts_with(kind));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        for foreign in ["http://", "https://", "//cdn"] {
            assert!(!answer.text.contains(foreign), "{path} names {foreign}");
        }
    }
    assert!(!page.text.contains("http"), "nothing comes from elsewhere");
    served.stop();
}
