# strip_c.awk: blanks the comments and the insides of literals of C text; lines and columns stay where they are.
# With -v want=comments the other way round: only the comments are left.

function keep(text, is_comment) {
    if (is_comment != (want == "comments")) gsub(/./, " ", text)
    out = out text
}

# State: "" code, "/*" block comment, "//" line comment, or the quote that began a literal.
{
    out = ""
    n = length($0)
    for (i = 1; i <= n; i++) {
        c = substr($0, i, 1)
        pair = substr($0, i, 2)
        if (state == "/*") {
            if (pair == "*/") { keep("  ", 1); state = ""; i++ } else keep(c, 1)
        } else if (state == "//") {
            keep(c, 1)
        } else if (state == "") {
            if (pair == "/*" || pair == "//") { keep("  ", 1); state = pair; i++ }
            else { keep(c, 0); if (c == "\"" || c == "'") state = c }
        } else if (c == "\\") {
            out = out (i < n ? "  " : " "); i++
        } else if (c == state) {
            keep(c, 0); state = ""
        } else {
            out = out " "
        }
    }
    print out
    # Line comments and literals end with their line, unless a backslash continues it.
    if (state != "/*" && substr($0, n, 1) != "\\") state = ""
}
