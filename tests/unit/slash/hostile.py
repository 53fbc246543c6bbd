"""Comments that must not do anything: shells, expressions, look-alikes, what is not seen, Markdown that hides."""

from __future__ import annotations

from collections.abc import Iterator

COMMANDS = ("/ci-clear-cache", "/ci-status", "/ci-retry-job build", "/ci-force-review o3")

_SHELL = (
    "; rm -rf /", " && id", " || id", " | sh", " `id`", " $(id)", " ${IFS}id", " > /tmp/x", " < /etc/passwd",
    " & id", " \\n id", " %0aid", " '; id; '", ' "; id; "', " $'\\x69d'", " {a,b}", " *", " ~root", " !!", " #x",
    " $((1))", " <(id)", " ;id;", " ^id", "\tid", " %PATH%", " $env:PATH", " `whoami", " & calc.exe", " | iex",
    " (iwr x)|iex", " -EncodedCommand QQ==", " ; Invoke-Expression x", " set -x; (id)", " (id)", " @(id)", " ?{id}",
    " ;and id", " $PATH[1]",
)  # fmt: skip
_EXPRESSIONS = (
    " ${{ github.token }}", " ${{ secrets.O3_TOKEN }}", " ${{ toJSON(secrets) }}",
    " ${{ github.event.comment.body }}", " }}${{ 1 }}", " ::set-output name=x::y", " ::add-mask::x",
    " ::stop-commands::x", " ::error::x", " ${{ env.X }}", " ${{ format('{0}', 1) }}", " %{{x}}", " {{ x }}",
    " {% x %}", " <%= x %>", " #{x}", " $[[ inputs.x ]]", " ${{<x>}}",
)  # fmt: skip
_ARGUMENTS = (
    " ../../etc/passwd", " --help", " -rf", " a\\b", " a'b", ' a"b', " a;b", " a|b", " a&b", " a$b", " a`b", " a<b",
    " a>b", " a*b", " a?b", " a[b", " a]b", " a{b", " a}b", " a!b", " a^b", " a~b", " a@b", " a#b", " a%b", " {}",
    " " + "a" * 400, "  two-spaces", " é", " 名", " job\u00a0name", " .hidden", " :x", " =x", " +x", " /x", " (x)",
    " ,x", " %20",
)  # fmt: skip
_UNSEEN = (
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
    "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\x00", "\x07", "\x08",
    "\x1b[2K", "\x7f", "\x85", "\u180e", "\U000e0001", "\U000e0041", "\ue000", "\U000f0000", "\x0b", "\x0c", "\r",
)  # fmt: skip
_ALIKE = (
    "\uff0fci-status", "\u2044ci-status", "\u2215ci-status", "\u29f8ci-status", "\\ci-status", "/\u0441i-status",
    "/c\u0456-status", "/c\u0131-status", "/\uff43\uff49-status", "/ci\u2010status", "/ci\u2011status",
    "/ci\u2013status", "/ci\u2014status", "/ci\u2212status", "/ci\uff0dstatus", "/ci-st\u0430tus", "/ci-\u0455tatus",
    "/ci-\u03c3tatus", "/\U0001d41c\U0001d422-status", "/\u217d\u2170-status", "/CI-status", "/Ci-Status",
    "/ci-STATUS", "/ci-status\u0301", "/ci\u0307-status", "/\u24d2\u24d8-status", "&#47;ci-status", "&sol;ci-status",
    "%2Fci-status", "/ci-\uff53tatus",
)  # fmt: skip
_MARKDOWN = (
    "```\n{}\n```", "~~~\n{}\n~~~", "````\n```\n{}\n```\n````", "```sh\n{}", "    {}", "\t{}", "> {}", ">{}",
    "> a\n{}", "> > {}", "- {}", "* {}", "1. {}", "+ {}", " {}", "   {}", "`{}`", "``{}``", "`a\n{}\nb`", "**{}**",
    "_{}_", "~~{}~~", "# {}", "| {} |", "[{}](x)", "![{}](x)", "<!--\n{}\n-->", "<!--\n\n{}\n\n-->", "<!-- {} -->",
    "<pre>\n{}\n</pre>", "<pre>\n\n{}\n\n</pre>", "<details>\n\n{}\n\n</details>", "<script>\n\n{}\n\n</script>",
    "<style>\n\n{}\n\n</style>", "<textarea>\n\n{}\n</textarea>", "<?x\n\n{}\n\n?>", "<![CDATA[\n\n{}\n\n]]>",
    "<!X\n\n{}\n\n>", "please {}", "a\n{}", "{}\nb", "a\n{}\nb", "- a\n{}", "1. a\n{}", "[x]: y\n{}", "{}\n---",
    "{}\n===", "a {} b", "\"{}\"", "({})", "@x {}", "{} now please: do", "- ```\n{}\n  ```", "> ```\n{}\n> ```",
    "<code>\n\n{}\n\n</code>", "<template>\n\n{}\n</template>", "```\n```x\n{}\n```", "~~~\n```\n{}\n```\n~~~",
    "<!--\n{}", "https://example.org{}", "x{}", "//{}", "$$\n{}\n$$",
)  # fmt: skip
_UNKNOWN = (
    "/ci-", "/ci", "/ci-nothing", "/ci-status-x", "/ci-status now", "/ci-help me", "/ci-clear-cache all",
    "/ci-retry-job", "/ci-get-logs", "/ci-reset-phase", "/ci-force-review", "/ci-force-review gpt",
    "/ci-force-review O3", "/ci--status", "/ci-status-", "/ci_status", "/ci-1", "/ci-status/ci-help",
    "/ci-status /ci-help", "/ci-reset-phase a b", "/ci-clear-backoff abc", "/ci-check-phase 1", "/ci-" + "a" * 300,
    "/ci-" + "a-" * 60 + "a",
)  # fmt: skip


def texts() -> Iterator[str]:
    """Every hostile text: none of them is a command, and each looks like one somewhere."""
    for end in (*_SHELL, *_EXPRESSIONS):
        yield "/ci-status" + end
        yield "/ci-retry-job build" + end if not set(end) <= set(" ()id") else "/ci-retry-job build;" + end
    yield from ("/ci-reset-phase" + argument for argument in _ARGUMENTS)
    for character in _UNSEEN:
        yield f"/ci-status{character}"
        yield f"{character}/ci-status"
        yield f"/ci-{character}status"
        yield f"a {character}\n\n/ci-status"
    yield from _ALIKE
    for frame in _MARKDOWN:
        yield frame.format(COMMANDS[0])
        yield frame.format(COMMANDS[2])
    yield from _UNKNOWN
    yield from ("/ci-status\r\n", "\r\n/ci-status", "a\r\n\r\n/ci-status", "/ci-status\r\n/ci-help", "/ci-status\n\r")
    yield "/ci-status\n/ci-nothing"
    yield "/ci-clear-cache\n\n/ci-retry-job $(id)"
    yield "\n\n".join(f"/ci-reset-phase p{number}" for number in range(6))
    yield "/ci-status\n" + "a" * 70_000
    yield "/ci-status\n\n" * 20_000
    yield "`" * 60_000 + "/ci-status"
    yield "> " * 30_000 + "/ci-status"
