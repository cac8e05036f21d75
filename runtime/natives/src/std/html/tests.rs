use super::select::{Problem, parse, select};
use super::tree::ROOT;
use super::{build, tokens};
use crate::testing::{Bench, call};

/// The content of the body.
fn body(document: &str) -> String {
    let html = build(document).html(ROOT);
    let start = html.find("<body>").map_or(0, |at| at + 6);
    html[start..]
        .trim_end_matches("</html>")
        .trim_end_matches("</body>")
        .to_owned()
}

#[test]
fn missing_parts_are_implied() {
    for (document, html) in [
        ("", "<html><head></head><body></body></html>"),
        ("x", "<html><head></head><body>x</body></html>"),
        (" \n x ", "<html><head></head><body>x </body></html>"),
        (
            "<html> <!--c--> x",
            "<html><!--c--><head></head><body>x</body></html>",
        ),
        (
            "<!doctype html><title>a &lt; b</title>c",
            "<!DOCTYPE html><html><head><title>a &lt; b</title></head><body>c</body></html>",
        ),
        (
            "<meta charset=utf-8><p class=a>b",
            "<html><head><meta charset=\"utf-8\"></head><body><p class=\"a\">b</p></body></html>",
        ),
        (
            "<html lang=en><body id=b>x</body></html> ",
            "<html lang=\"en\"><head></head><body id=\"b\">x </body></html>",
        ),
        (
            "<p>a</body><!-- b --></html><!-- c --> <!-- d -->",
            "<html><head></head><body><p>a </p></body><!-- b --></html><!-- c --><!-- d -->",
        ),
        (
            "<p>a</html><!-- b --></html><!-- c --><b>d<!-- e -->",
            "<html><head></head><body><p>a<b>d<!-- e --></b></p></body></html><!-- b --><!-- c -->",
        ),
        (
            "<p a=1 b A=2></body><html lang=en lang=de a><!-- c -->",
            "<html lang=\"en\" a=\"\"><head></head><body><p a=\"1\" b=\"\"></p></body><!-- c --></html>",
        ),
        (
            "<!-- c --><html><!--d-->",
            "<!-- c --><html><!--d--><head></head><body></body></html>",
        ),
        (
            "<script>a<b && \"</p>\"</script >x",
            "<html><head><script>a<b && \"</p>\"</script></head><body>x</body></html>",
        ),
        (
            "<noscript><p>x &amp; y</noscript><p><noscript><b>x &amp; &lt;y</noscript>",
            "<html><head><noscript><p>x &amp; y</noscript></head><body><p><noscript><b>x &amp; &lt;y</b></noscript></p></body></html>",
        ),
        (
            "<head></head><style>p{}</style><p>",
            "<html><head><style>p{}</style></head><body><p></p></body></html>",
        ),
    ] {
        assert_eq!(build(document).html(ROOT), html, "{document}");
    }
}

#[test]
fn bodies_are_repaired() {
    for (document, html) in [
        ("<p>a<p>b<div>c</div>d", "<p>a</p><p>b</p><div>c</div>d"),
        (
            "<ul><li>a<li>b<ul><li>c</ul></ul>",
            "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>",
        ),
        (
            "<dl><dt>a<dd>b<dt>c</dl>",
            "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>",
        ),
        ("<h1>a<h2>b</h1>", "<h1>a</h1><h2>b</h2>"),
        ("a<br/>b<img src=x>c</br>", "a<br>b<img src=\"x\">c<br>"),
        ("x</p>a</div>", "x<p></p>a"),
        (
            "<select><option>a<option selected>b</select>",
            "<select><option>a</option><option selected=\"\">b</option></select>",
        ),
        ("<b>1<i>2</b>3</i>4", "<b>1<i>2</i></b><i>3</i>4"),
        ("<b>1<p>2</b>3</p>", "<b>1</b><p><b>2</b>3</p>"),
        ("<p><b>1<p>2", "<p><b>1</b></p><p><b>2</b></p>"),
        (
            "<a href=1>x<a href=2>y</a>",
            "<a href=\"1\">x</a><a href=\"2\">y</a>",
        ),
        ("<pre>\nx\n</pre>", "<pre>x\n</pre>"),
        (
            "<textarea>\n<b></textarea>",
            "<textarea>&lt;b&gt;</textarea>",
        ),
        (
            "<svg><path d=1 /><g/></svg>x",
            "<svg><path d=\"1\"></path><g></g></svg>x",
        ),
        ("<div/>x", "<div>x</div>"),
        (
            "a & b &lt; &copy &#228;&#x80; &unknown; &notin; &notit;",
            "a &amp; b &lt; © ä€ &amp;unknown; ∉ ¬it;",
        ),
        (
            "<a title='&copy=1 &amp; \"q\"'>x",
            "<a title=\"&amp;copy=1 &amp; &quot;q&quot;\">x</a>",
        ),
        ("1 < 2 <3> x", "1 &lt; 2 &lt;3&gt; x"),
        ("<p a=1 A=2 b>x</p", "<p a=\"1\" b=\"\">x</p>"),
        ("a</>b<?c?>d<!e>f", "ab<!--?c?-->d<!--e-->f"),
        ("x<!--a--!>y<!-->z", "x<!--a-->y<!---->z"),
        ("a\r\nb\rc\0", "a\nb\nc"),
        ("<template><td>x</template>y", "y"),
    ] {
        assert_eq!(body(document), html, "{document}");
    }
}

#[test]
fn tables_have_all_their_parts() {
    for (document, html) in [
        (
            "<table><tr><td>a<td>b<tr><th>c</table>d",
            "<table><tbody><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></tbody></table>d",
        ),
        (
            "<table><caption>x<thead><tr><td>a<tbody><tr><td>b</table>",
            "<table><caption>x</caption><thead><tr><td>a</td></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
        ),
        (
            "<table>x<p>y<tr><td>z</table>",
            "x<p>y</p><table><tbody><tr><td>z</td></tr></tbody></table>",
        ),
        (
            "<table><col><colgroup><col></colgroup><td>a",
            "<table><colgroup><col></colgroup><colgroup><col></colgroup><tbody><tr><td>a</td></tr></tbody></table>",
        ),
        (
            "<table><td><table><td>a</table>b</table>",
            "<table><tbody><tr><td><table><tbody><tr><td>a</td></tr></tbody></table>b</td></tr></tbody></table>",
        ),
        // What is not seen stays where it is.
        (
            "<table><!-- a --><tr><!-- b --><td>x</table>",
            "<table><!-- a --><tbody><tr><!-- b --><td>x</td></tr></tbody></table>",
        ),
        (
            "<table><caption>x</caption><script>s</script><tr><style>a{}</style><td>x</table>",
            "<table><caption>x</caption><script>s</script><tbody><tr><style>a{}</style><td>x</td></tr></tbody></table>",
        ),
        (
            "<table><template>t</template><colgroup><template>u</template><col><td>x</table>",
            "<table><template>t</template><colgroup><template>u</template><col></colgroup><tbody><tr><td>x</td></tr></tbody></table>",
        ),
        (
            "<table><tr><td><b>a<td>b</table>c",
            "<table><tbody><tr><td><b>a</b></td><td>b</td></tr></tbody></table>c",
        ),
        ("<tr><td>x", "x"),
    ] {
        assert_eq!(body(document), html, "{document}");
    }
}

#[test]
fn selectors_choose_elements() {
    let tree = build(
        "<div id=a class='x y'><p>1</p><p class=z>2<b rel=É-X>3</b></p><span data-k='a-b c'>4</span></div>\
         <ul><li>5<li class=Z>6<li>7</ul><p lang=en-GB></p>",
    );
    for (selector, texts) in [
        ("p", "1|2 3|"),
        ("div p", "1|2 3"),
        ("div > b", ""),
        ("div b", "3"),
        ("body div p b", "3"),
        ("#a.x.y > p.z", "2 3"),
        ("p + p", "2 3"),
        ("p ~ span", "4"),
        ("li:first-child, li:last-child", "5|7"),
        ("li:nth-child(2)", "6"),
        ("li:nth-child(odd)", "5|7"),
        ("li:nth-child(-n + 2)", "5|6"),
        ("li:nth-last-child(2n+1)", "5|7"),
        ("p:nth-of-type(2)", "2 3"),
        ("span:only-of-type", "4"),
        ("p:not(.z)", "1|"),
        ("p:not(:empty, .z)", "1"),
        (":is(b, span)", "3|4"),
        ("p:has(> b)", "2 3"),
        ("p:has(+ span)", "2 3"),
        ("div:has(b):has(span)", "1 2 3 4"),
        ("[data-k]", "4"),
        ("[data-k='a-b c'], [data-k=x]", "4"),
        ("[data-k~=c]", "4"),
        ("[data-k^=a][data-k$=c][data-k*='b ']", "4"),
        ("[lang|=en]", ""),
        ("[class=z i]", "2 3|6"),
        ("[class=Z]", "6"),
        ("[rel$=x]", "3"),
        ("[rel$=x s]", ""),
        ("[rel^=é]", ""),
        ("LI.Z", "6"),
        (":root > body > ul > *", "5|6|7"),
        ("#\\61", "1 2 3 4"),
        ("*.y", "1 2 3 4"),
    ] {
        let selectors = parse(selector).unwrap();
        let found: Vec<String> = (select(&tree, &selectors).into_iter())
            .map(|id| tree.text(id))
            .collect();
        assert_eq!(found.join("|"), texts, "{selector}");
    }
}

#[test]
fn malformed_selectors_are_refused() {
    for (selector, problem) in [
        ("", Problem::End),
        ("42", Problem::Unexpected('4', 1)),
        ("a,b;c", Problem::Unexpected(';', 4)),
        ("p >", Problem::End),
        ("> p", Problem::Unexpected('>', 1)),
        ("p,", Problem::End),
        ("p[", Problem::End),
        ("p[a=", Problem::End),
        ("p[a=1]", Problem::Unexpected('1', 5)),
        ("p:hover", Problem::PseudoClass("hover".to_owned())),
        ("p::before", Problem::Unexpected(':', 3)),
        ("p:nth-child(x)", Problem::Unexpected('x', 13)),
        ("p:not(", Problem::End),
        ("é $", Problem::Unexpected('$', 3)),
        ("#1", Problem::Unexpected('1', 2)),
    ] {
        assert_eq!(parse(selector), Err(problem), "{selector}");
    }
    assert_eq!(parse(&":not(".repeat(1000)), Err(Problem::TooLarge));
    assert_eq!(parse(&"a ".repeat(10_000)), Err(Problem::TooLarge));
}

#[test]
fn texts_of_documents() {
    let bench = Bench::new();
    let text = |document: &str| call(&bench.host, "html/text", &[bench.text(document)]);
    assert_eq!(
        text("<p>a<b>b</b></p>\n c<script>d</script><style>e</style><template>f</template>"),
        "\"a b c\""
    );
    assert_eq!(text("<title>t</title>&nbsp;x"), "\"t x\"");
}

#[test]
fn hostile_documents_take_no_stack_and_little_time() {
    for piece in [
        "<div>",
        "<b>",
        "<p><b a=",
        "<table>",
        "<table><td>",
        "<a>",
        "</b>",
        "<b><p>",
        "<li>",
        "<!--",
        "<svg>",
        "<template>",
        "<select>",
        "&",
        "<a b",
        "<table><b>x",
    ] {
        let tree = build(&piece.repeat(20_000));
        tree.html(ROOT);
        let selectors = parse("div div div p b:nth-child(2) ~ b, a > a a").unwrap();
        select(&tree, &selectors);
    }
    let attributes = |tag: &str| -> String {
        (0..100_000)
            .map(|number| format!("{tag} a{number} a{}", number / 2))
            .collect()
    };
    for (document, element) in [
        (format!("<p{}>", attributes("")), "p"),
        (format!("<html>{}>", attributes("><html")), "html"),
        (format!("<body>{}>", attributes("><body")), "body"),
    ] {
        let tree = build(&document);
        let found = (0..tree.len()).find(|id| tree.name(*id) == element);
        assert_eq!(tree.attributes(found.unwrap()).len(), 100_000);
    }
}

#[test]
fn documents_that_are_written_are_read_as_the_same() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let pieces = [
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<i a=1>",
        "</i>",
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        "</td>",
        "<div>",
        "</div>",
        "<li>",
        "<ul>",
        "</ul>",
        "x",
        " ",
        "&amp;",
        "<br>",
        "<!--c-->",
        "<a>",
        "</a>",
        "<h1>",
        "</h1>",
        "<select>",
        "<option>",
        "<form>",
        "</form>",
        "<caption>",
        "<title>t</title>",
        "<button>",
    ];
    for _ in 0..3000 {
        let mut document = String::new();
        for _ in 0..10 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            document.push_str(pieces[(state >> 11) as usize % pieces.len()]);
        }
        let tree = build(&document);
        // Every element has ended, and every node is where its parent says.
        for id in tree.walk(ROOT, |_| true) {
            let parent = tree.parent(id).unwrap();
            assert!(tree.children(parent).contains(&id), "{document}");
        }
        let html = tree.html(ROOT);
        let open = html.matches("<p").count() + html.matches("<b>").count();
        let closed = html.matches("</p>").count() + html.matches("</b>").count();
        assert_eq!(open, closed, "{document}: {html}");
    }
}

#[test]
fn tokens_of_text_in_parts() {
    let found: Vec<tokens::Token> = tokens::Tokens::new("a<b<c>").collect();
    assert_eq!(found.len(), 2, "{found:?}");
}
