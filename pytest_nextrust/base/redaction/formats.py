"""What a secret of each service looks like: a table of prefixes, alphabets and lengths.

Data, each row with the public source of its fact: the service's own documentation, or the rule of gitleaks or plugin of
detect-secrets that states it. Where a service says that its tokens may grow, the length is a lower bound.

A row's shape begins where a word begins and is tried at that place alone, so what it costs is bounded by what it takes:
no shape has a repetition within a repetition, and one without an upper bound stands at a shape's end.

Boundary: shapes of single words. What a value's name or place gives away is in ``assignments``.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = [
    "CRYPT",
    "FORMATS",
    "PRIVATE_KEY_STARTS",
    "SERVICES",
    "USUAL",
    "Format",
    "by_start",
    "encoded_starts",
    "is_own_word",
    "rest",
    "shape",
]

_ALPHABETS = {
    "{A}": "[A-Za-z0-9]",
    "{B}": "[A-Za-z0-9+/]",
    "{H}": "[0-9a-fA-F]",
    "{L}": "[a-z0-9]",
    "{U}": "[A-Z0-9]",
    "{W}": "[A-Za-z0-9_-]",
    "{X}": "[0-9a-f]",
}
"""What a letter in braces stands for in a row."""

Format = tuple[str, str, str, str]
"""Kind, prefix, what follows it (a pattern with the alphabets above), source."""

_UUID = "{X}{8}(?:-{X}{4}){3}-{X}{12}"
# At least one digit, and one letter, within so many characters: for prefixes that also begin names.
_MIXED = "(?={W}{0,60}[0-9])(?={W}{0,60}[A-Za-z])"

FORMATS: tuple[Format, ...] = (
    ("1password", "A3-", "{U}{6}-(?:{U}{11}|{U}{6}-{U}{5})(?:-{U}{5}){3}", "gitleaks 1password-secret-key"),
    ("1password", "ops_eyJ", "{B}{60,}={0,3}", "gitleaks 1password-service-account-token"),
    ("adafruit", "aio_", "{A}{28}", "Adafruit IO: API keys"),
    ("adobe", "p8e-", "{A}{32}", "gitleaks adobe-client-secret"),
    ("age", "AGE-SECRET-KEY-1", "[02-9AC-HJ-NP-Z]{58}", "age specification: Bech32; gitleaks age-secret-key"),
    ("airtable", "pat", r"{A}{14}\.{X}{64}", "gitleaks airtable-personnal-access-token"),
    ("aiven", "AVNS_", "{W}{19}", "Aiven: service passwords"),
    ("alibaba", "LTAI", "{A}{16,24}", "gitleaks alibaba-access-key-id"),
    ("api-key", "sk-ant-", "{W}{20,}", "gitleaks anthropic-api-key"),
    ("api-key", "sk-proj-", "{W}{16,}", "gitleaks openai-api-key"),
    ("api-key", "sk-svcacct-", "{W}{16,}", "gitleaks openai-api-key"),
    ("api-key", "sk-admin-", "{W}{16,}", "gitleaks openai-api-key"),
    ("api-key", "sk-", "(?:{A}{20,}|" + _MIXED + "{W}{16,})", "detect-secrets openai: sk- before letters and digits"),
    ("artifactory", "AKCp", "{A}{10,}", "gitleaks artifactory-api-key"),
    ("artifactory", "AKC", "(?={A}{0,40}[0-9]){A}{13,}", "detect-secrets artifactory"),
    ("artifactory", "AP", "[0-9A-F](?={A}{0,40}[0-9])(?={A}{0,40}[a-z]){A}{20,}", "detect-secrets artifactory"),
    ("artifactory", "cmVmd", "{A}{59}", "gitleaks artifactory-reference-token"),
    ("asana", "1/", "[0-9]{16}:{X}{32}", "Asana: personal access tokens"),
    ("atlassian", "ATATT3", "[A-Za-z0-9_=-]{30,}", "gitleaks atlassian-api-token"),
    ("atlassian", "ATCTT3", "[A-Za-z0-9_=-]{30,}", "Atlassian: access tokens of Bitbucket begin with ATCT"),
    ("atlassian", "ATBB", "{A}{28,}", "Atlassian: app passwords of Bitbucket begin with ATBB"),
    *(
        ("authress", f"{prefix}_", r"{A}{5,30}\.{L}{4,6}\.acc[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}", source)
        for source in ["gitleaks authress-service-client-access-key"]
        for prefix in ("sc", "ext", "scauth", "authress")
    ),
    *(
        ("aws", prefix, "{U}{16}", "AWS IAM: unique identifiers; gitleaks aws-access-token")
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    ("aws", "A3T", "{U}{17}", "gitleaks aws-access-token"),
    ("aws", "ABSK", "{B}{60,}={0,2}", "gitleaks aws-amazon-bedrock-api-key-long-lived"),
    ("aws", "bedrock-api-key-", "{B}{20,}={0,2}", "gitleaks aws-amazon-bedrock-api-key-short-lived"),
    ("brevo", "xkeysib-", "{X}{64}-{A}{16}", "gitleaks sendinblue-api-token"),
    ("brevo", "xsmtpsib-", "{X}{64}-{A}{16}", "Brevo: SMTP keys"),
    ("buildkite", "bkua_", "{X}{40}", "Buildkite: API access tokens"),
    ("circleci", "CCIPAT_", "{A}{20,24}_{X}{40}", "CircleCI: personal API tokens"),
    ("circleci", "CCIPRJ_", "{A}{20,24}_{X}{40}", "CircleCI: project API tokens"),
    ("clickhouse", "4b1d", "{A}{38}", "gitleaks clickhouse-cloud-api-secret-key"),
    ("clojars", "CLOJARS_", "{A}{60}", "gitleaks clojars-api-token"),
    ("cloudflare", "v1.0-", "{X}{24}-{X}{146}", "gitleaks cloudflare-origin-ca-key"),
    *(
        ("cloudflare", prefix, "{A}{40}{X}{8}", "Cloudflare: token formats")
        for prefix in ("cfut_", "cfat_", "cfk_")
    ),
    ("contentful", "CFPAT-", "{W}{43}", "Contentful: content management tokens"),
    ("crates-io", "cio", "(?={A}{0,31}[A-Z0-9]){A}{32}", "crates.io: API tokens begin with cio"),
    ("databricks", "dapi", "{X}{32}(?:-[0-9])?", "gitleaks databricks-api-token"),
    ("datadog", "ddapp_", "{A}{34}", "Datadog: application keys"),
    ("defined-networking", "dnkey-", "[a-z0-9=_-]{26}-[a-z0-9=_-]{52}", "gitleaks defined-networking-api-token"),
    *(
        ("digitalocean", f"{prefix}_v1_", "{X}{64}", f"gitleaks digitalocean-{rule}")
        for prefix, rule in (("doo", "access-token"), ("dop", "pat"), ("dor", "refresh-token"))
    ),
    *(
        ("discord", first, r"{W}{22,27}\.{W}{6}\.{W}{27,40}", "detect-secrets discord")
        for first in ("M", "N", "O")
    ),
    ("docker", "dckr_pat_", "{W}{20,}", "Docker Hub API: personal access tokens"),
    ("docker", "dckr_oat_", "{W}{20,}", "Docker Hub API: organization access tokens"),
    *(
        ("doppler", f"dp.{kind}.", r"(?:[a-z0-9_-]{1,40}\.)?{A}{40,44}", "Doppler: token formats; gitleaks")
        for kind in ("pt", "st", "ct", "sa", "scim", "audit", "said")
    ),
    ("dropbox", "sl.", "[A-Za-z0-9=_-]{60,}", "gitleaks dropbox-short-lived-api-token"),
    ("duffel", "duffel_", "(?:test|live)_[A-Za-z0-9_=-]{43}", "gitleaks duffel-api-token"),
    ("dynatrace", "dt0c01.", r"{A}{24}\.{A}{64}", "gitleaks dynatrace-api-token"),
    ("dynatrace", "dt0s01.", r"{A}{8}\.{A}{64}", "Dynatrace: token format"),
    ("easypost", "EZAK", "{A}{54}", "gitleaks easypost-api-token"),
    ("easypost", "EZTK", "{A}{54}", "gitleaks easypost-test-api-token"),
    ("facebook", "EAA", "[A-Z]{A}{60,}", "gitleaks facebook-page-access-token"),
    ("figma", "figd_", "{W}{40,}", "Figma: personal access tokens"),
    ("flutterwave", "FLWSECK_TEST-", "{L}{12,32}(?:-X)?", "gitleaks flutterwave-secret-key"),
    ("flutterwave", "FLWSECK-", "{L}{32}-X", "gitleaks flutterwave-secret-key"),
    ("flyio", "fo1_", "{W}{43}", "gitleaks flyio-access-token"),
    *(("flyio", prefix, "{B}{60,}={0,3}", "gitleaks flyio-access-token") for prefix in ("fm1a_", "fm1r_", "fm2_")),
    ("frameio", "fio-u-", "[A-Za-z0-9_=-]{64}", "gitleaks frameio-api-token"),
    *(
        ("github", f"gh{letter}_", r"[A-Za-z0-9_]{16,}(?:\.{W}{10,}\.{W}{10,})?", source)
        for source in ["GitHub: token formats, up to 255 characters of [A-Za-z0-9_]; gitleaks github-pat"]
        for letter in "opsur"
    ),
    ("github", "github_pat_", "[A-Za-z0-9_]{20,}", "gitleaks github-fine-grained-pat"),
    *(
        ("gitlab", f"gl{name}-", r"{W}{20,}(?:\.[0-9a-z]{9})?", "GitLab: token overview; gitleaks gitlab-pat")
        for name in ("agent", "cbt", "dt", "ffct", "ft", "imt", "oas", "pat", "ptt", "rt", "soat", "wt", "rtr")
    ),
    ("gitlab", "GR1348941", "{W}{20,}", "gitleaks gitlab-rrt"),
    ("google", "AIza", "{W}{30,}", "gitleaks gcp-api-key"),
    ("google", "GOCSPX-", "{W}{24,}", "Google: OAuth client secrets of the console"),
    ("google", "ya29.", "{W}{20,}", "Google: OAuth access tokens"),
    ("google", "1//", "0{W}{30,}", "Google: OAuth refresh tokens"),
    ("grafana", "eyJrIjoi", "{A}{60,400}={0,3}", "gitleaks grafana-api-key"),
    ("grafana", "glc_", "{B}{32,}={0,3}", "gitleaks grafana-cloud-api-token"),
    ("grafana", "glsa_", "{A}{32}_{H}{8}", "gitleaks grafana-service-account-token"),
    ("groq", "gsk_", "{A}{48,}", "Groq: API keys"),
    *(
        ("harness", f"{kind}.", r"{W}{22}\.{A}{24}\.{A}{20}", "gitleaks harness-api-key")
        for kind in ("pat", "sat")
    ),
    ("heroku", "HRKU-", "{W}{36,}", "gitleaks heroku-api-key-v2"),
    ("hubspot", "pat-", "(?:na|eu|ap)[0-9]-" + _UUID, "HubSpot: private app access tokens"),
    ("huggingface", "hf_", "{A}{34}", "gitleaks huggingface-access-token"),
    ("huggingface", "api_org_", "{A}{34}", "gitleaks huggingface-organization-api-token"),
    ("infracost", "ico-", "(?={A}{0,31}[A-Zg-z]){A}{32}", "gitleaks infracost-api-token"),
    ("intra42", "s-s4t2", "(?:ud|af)-{X}{64}", "gitleaks intra42-client-secret"),
    ("jwt", "eyJ", r"{W}{5,}\.{W}{5,}\.[A-Za-z0-9._-]*", "RFC 7519; gitleaks jwt"),
    ("jwt", "eyJ", r"{W}{9,}\.eyJ{W}{9,}", "RFC 7519: a header and claims; detect-secrets jwt"),
    ("langsmith", "lsv2_", "(?:pt|sk)_{X}{32}_{X}{10}", "LangSmith: API keys"),
    ("linear", "lin_api_", "{A}{40}", "gitleaks linear-api-key"),
    ("linear", "lin_oauth_", "{A}{40,}", "Linear: OAuth tokens"),
    ("mailgun", "key-", "{X}{32}", "gitleaks mailgun-private-api-token"),
    ("mapbox", "sk.eyJ", r"{W}{20,}\.{W}{15,}", "Mapbox: secret access tokens"),
    ("mapbox", "tk.eyJ", r"{W}{20,}\.{W}{15,}", "Mapbox: temporary access tokens"),
    ("mapbox", "pk.", r"{L}{60}\.{L}{22}", "gitleaks mapbox-api-token"),
    ("new-relic", "NRAK-", "{A}{27}", "gitleaks new-relic-user-api-key"),
    ("new-relic", "NRII-", "{W}{32}", "gitleaks new-relic-insert-key"),
    ("new-relic", "NRIQ-", "{W}{32}", "New Relic: query keys"),
    ("new-relic", "NRJS-", "{X}{19}", "gitleaks new-relic-browser-api-token"),
    ("notion", "ntn_", "[0-9]{11}{A}{35}", "gitleaks notion-api-token"),
    ("notion", "secret_", "{A}{43}", "Notion: internal integration secrets"),
    ("npm", "npm_", "{A}{36}", "gitleaks npm-access-token"),
    ("nuget", "oy2", "{L}{43}", "NuGet: API keys of nuget.org"),
    ("octopus", "API-", "{U}{25,26}", "gitleaks octopus-deploy-api-key"),
    ("openshift", "sha256~", "{W}{43}", "gitleaks openshift-user-token"),
    ("perplexity", "pplx-", "{A}{48}", "gitleaks perplexity-api-key"),
    ("pinecone", "pcsk_", "[A-Za-z0-9_]{40,}", "Pinecone: API keys"),
    *(
        ("plaid", f"access-{where}-", _UUID, "gitleaks plaid-api-token")
        for where in ("sandbox", "development", "production")
    ),
    ("planetscale", "pscale_", r"(?:tkn|oauth|pw)_[\w=.-]{32,64}", "gitleaks planetscale-api-token"),
    ("postman", "PMAK-", "{X}{24}-{X}{34}", "gitleaks postman-api-token"),
    ("posthog", "phx_", "{A}{40,}", "PostHog: personal API keys"),
    ("prefect", "pnu_", "{A}{36}", "gitleaks prefect-api-token"),
    ("pulumi", "pul-", "{X}{40}", "gitleaks pulumi-api-token"),
    ("pypi", "pypi-", "AgE{W}{50,}", "PyPI: token scanning; gitleaks pypi-upload-token; detect-secrets pypi_token"),
    *(
        ("razorpay", f"rzp_{where}_", "{A}{14}", "Razorpay: API keys")
        for where in ("live", "test")
    ),
    ("readme", "rdme_", "{L}{70}", "gitleaks readme-api-token"),
    ("replicate", "r8_", "{A}{37}", "Replicate: API tokens"),
    ("resend", "re_", "{A}{8}_{A}{24}", "Resend: API keys"),
    ("rubygems", "rubygems_", "{X}{48}", "gitleaks rubygems-api-token"),
    ("scaleway", "SCW", "(?={U}{0,17}[0-9]){U}{17}", "Scaleway: access keys"),
    ("scalingo", "tk-us-", "{W}{48}", "gitleaks scalingo-api-token"),
    ("sendgrid", "SG.", r"[A-Za-z0-9_=-]{16,32}\.[A-Za-z0-9_=-]{16,64}", "gitleaks sendgrid-api-token"),
    ("sentry", "sntrys_", "{B}{20,}={0,2}_{B}{43}", "gitleaks sentry-org-token"),
    ("sentry", "sntryu_", "{X}{64}", "gitleaks sentry-user-token"),
    *(
        ("settlemint", f"sm_{kind}_", "{A}{16}", "gitleaks settlemint-personal-access-token")
        for kind in ("aat", "pat", "sat")
    ),
    ("shippo", "shippo_", "(?:live|test)_{H}{40}", "gitleaks shippo-api-token"),
    *(("shopify", f"shp{kind}_", "{H}{32}", "gitleaks shopify-access-token") for kind in ("at", "ca", "pa", "ss")),
    *(
        ("slack", f"xox{kind}-", "[A-Za-z0-9-]{10,}", "gitleaks slack-bot-token and others; detect-secrets slack")
        for kind in "abcdeoprs"
    ),
    ("slack", "xoxe.", "xox[bp]-[0-9]-[A-Za-z0-9]{40,}", "gitleaks slack-config-access-token"),
    ("slack", "xapp-", "[A-Za-z0-9-]{10,}", "gitleaks slack-app-token"),
    *(("sonar", f"sq{kind}_", "{X}{40}", "gitleaks sonar-api-token") for kind in "upa"),
    ("sourcegraph", "sgp_", "(?:(?:{H}{16}|local)_)?{H}{40}", "gitleaks sourcegraph-access-token"),
    ("square", "EAAA", "{W}{22,60}", "gitleaks square-access-token"),
    ("square", "sq0atp-", "{W}{22}", "gitleaks square-access-token"),
    ("square", "sq0csp-", "{W}{43}", "detect-secrets square_oauth"),
    *(
        ("stripe", f"{kind}_{where}_", "{A}{10,}", "gitleaks stripe-access-token; detect-secrets stripe")
        for kind in ("sk", "rk")
        for where in ("live", "test", "prod")
    ),
    ("stripe", "whsec_", "[A-Za-z0-9+/=]{24,}", "Stripe: webhook signing secrets"),
    ("supabase", "sbp_", "(?:v0_)?{X}{40}", "Supabase: personal access tokens"),
    ("supabase", "sb_secret_", "{W}{20,}", "Supabase: secret keys"),
    *(
        ("tailscale", f"tskey-{kind}-", "[A-Za-z0-9-]{12,}", "Tailscale: key prefixes")
        for kind in ("api", "auth", "client", "scim", "webhook")
    ),
    ("terraform", "", r"{A}{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}", "gitleaks hashicorp-tf-api-token"),
    ("twilio", "SK", "{X}{32}", "gitleaks twilio-api-key; detect-secrets twilio"),
    ("twilio", "AC", "{X}{32}", "detect-secrets twilio"),
    ("twitter", "AAAAAAAAAAAAAAAAAAAAAA", "[A-Za-z0-9%]{80,120}", "gitleaks twitter-bearer-token"),
    ("typeform", "tfp_", r"[\w.=-]{40,60}", "gitleaks typeform-api-token"),
    ("vault", "hvs.", "{W}{24,}", "gitleaks vault-service-token"),
    ("vault", "hvb.", "{W}{24,}", "gitleaks vault-batch-token"),
    ("vault", "hvr.", "{W}{24,}", "HashiCorp Vault: recovery tokens"),
    ("vault", "s.", "(?={A}{0,24}[0-9])(?={A}{0,24}[a-z])(?={A}{0,24}[A-Z]){A}{24}", "gitleaks vault-service-token"),
    *(("vercel", f"vc{kind}_", "{A}{24,}", "Vercel: token formats") for kind in "pciark"),
    ("xai", "xai-", "{A}{60,}", "xAI: API keys"),
    ("yandex", "t1.", r"{W}{5,}={0,2}\.{W}{86}={0,2}", "gitleaks yandex-access-token"),
    ("yandex", "AQVN", "{W}{35,38}", "gitleaks yandex-api-key"),
    ("yandex", "YC", "(?={W}{0,38}[0-9])(?={W}{0,38}[a-z]){W}{38}", "gitleaks yandex-aws-access-token"),
)  # fmt: skip

USUAL = {
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), 36),
    "github_pat_": 82,
    "sk-ant-": 101,
    "sk-proj-": 156,
    "sk-": 48,
    "AIza": 35,
    "pypi-": 150,
}
"""How many characters usually follow a prefix whose row takes fewer (the same sources)."""

PRIVATE_KEY_STARTS: tuple[tuple[str, str], ...] = (
    ("MII", "{B}{3}IBA(?:DANB|AK[BC]|AJB)"),
    ("MII", "{B}{3}TB{B}BgkqhkiG9w0BBQ"),
    ("MIGHAgEAMBMGByqGSM49", ""),
    ("MIG2AgEAMBAGByqGSM49", ""),
    ("MIHuAgEAMBAGByqGSM49", ""),
    ("MHcCAQEE", ""),
    ("MIGkAgEBBD", ""),
    ("MIHcAgEBBE", ""),
    ("MC4CAQAwBQYDK2Vw", ""),
    ("b3BlbnNzaC1rZXktdjE", ""),
)
"""How the Base64 of a private key begins, for keys whose first line is not there: prefix and what follows it.

DER of PKCS #8 (RFC 5958, encrypted too) and PKCS #1 (RFC 8017) for RSA, of RFC 5915 and RFC 8410 for elliptic curves,
and OpenSSH's ``openssh-key-v1``.
"""

CRYPT = (
    r"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2(?:-sha[0-9]{1,3})?)"
    r"\$[A-Za-z0-9./=,+-]{1,64}(?:\$[A-Za-z0-9./=,+-]{8,128}){0,3}"
)
"""Hashes of passwords as crypt(5) writes them."""

SERVICES: dict[str, tuple[str, ...]] = {
    "adafruit": ("[a-z0-9_-]{32}",),
    "adobe": ("{X}{32}",),
    "airtable": ("{L}{17}",),
    "algolia": ("{L}{32}",),
    "alibaba": ("{L}{30}",),
    "asana": ("{L}{32}",),
    "atlassian": ("{L}{20}{X}{4}",),
    "beamer": ("b_[a-z0-9=_-]{44}",),
    "bitbucket": ("{L}{32}", "[a-z0-9=_-]{64}"),
    "bittrex": ("{L}{32}",),
    "cloudflare": ("[A-Za-z0-9_-]{40}", "{X}{37}"),
    "codecov": ("{L}{32}", _UUID),
    "cohere": ("{A}{40}",),
    "coinbase": ("[a-z0-9_-]{64}",),
    "confluent": ("{L}{16}", "{L}{64}"),
    "contentful": ("[a-z0-9=_-]{43}",),
    "datadog": ("{L}{40}", "{X}{32}"),
    "discord": ("{X}{64}", "[a-z0-9=_-]{32}"),
    "droneci": ("{L}{32}",),
    "dropbox": ("{L}{15}", "{L}{11}AAAAAAAAAA[a-z0-9_=-]{43}"),
    "etsy": ("{L}{24}",),
    "facebook": ("{X}{32}", r"[0-9]{15,16}(?:\||%7C)[A-Za-z0-9_-]{27,40}"),
    "fastly": ("[A-Za-z0-9=_-]{32}",),
    "finicity": ("{X}{32}", "{L}{20}"),
    "finnhub": ("{L}{20}",),
    "flickr": ("{L}{32}",),
    "freshbooks": ("{L}{64}",),
    "gitter": ("[a-z0-9_-]{40}",),
    "gocardless": ("live_[A-Za-z0-9_=-]{40}",),
    "heroku": (_UUID,),
    "hubspot": (_UUID,),
    "intercom": ("[A-Za-z0-9=_-]{60}",),
    "jfrog": ("{A}{73}", "{A}{64}"),
    "kraken": ("[A-Za-z0-9/=_+-]{80,90}",),
    "kucoin": ("{X}{24}", _UUID),
    "launchdarkly": ("[a-z0-9=_-]{40}", "(?:api|sdk)-" + _UUID),
    "linkedin": ("{A}{14}", "{A}{16}"),
    "lob": ("(?:live|test)_{X}{35}",),
    "looker": ("{L}{20}", "{L}{24}"),
    "mailchimp": ("{X}{32}-us[0-9]{1,2}",),
    "mailgun": ("[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}",),
    "mattermost": ("{L}{26}",),
    "meraki": ("{X}{40}",),
    "messagebird": ("{A}{25}",),
    "netlify": ("[A-Za-z0-9=_-]{40,46}",),
    "newrelic": ("{L}{64}",),
    "nytimes": ("[A-Za-z0-9=_-]{32}",),
    "okta": (r"00[\w=-]{40}",),
    "plaid": ("{L}{24}", "{L}{30}"),
    "rapidapi": ("[A-Za-z0-9_-]{50}",),
    "sendbird": ("{X}{40}", _UUID),
    "sentry": ("{X}{64}",),
    "snyk": (_UUID,),
    "softlayer": ("{L}{64}",),
    "sonar": ("[A-Za-z0-9=_-]{40}",),
    "squarespace": (_UUID,),
    "sumologic": ("su{A}{12}", "{A}{64}"),
    "travis": ("{A}{22}",),
    "twitch": ("{L}{30}",),
    "twitter": ("{A}{25}", "{A}{45}", "{A}{50}", "[0-9]{15,25}-[A-Za-z0-9]{20,40}"),
    "zendesk": ("{L}{40}",),
}
"""Services whose tokens have no prefix: what a value looks like that is assigned to a name with the service in it.

The facts are those of the gitleaks rules of these names (SoftLayer: detect-secrets).
"""


@cache
def shape(pattern: str) -> re.Pattern[str]:
    """A row's pattern with its alphabets put in, compiled."""
    for letter, alphabet in _ALPHABETS.items():
        pattern = pattern.replace(letter, alphabet)
    return re.compile(pattern)


@cache
def rest(prefix: str, pattern: str) -> re.Pattern[str]:
    """What follows a row's prefix, up to where it ends.

    A prefix that is a word of its own takes all that follows: tokens grow. After one that could begin any word, what is
    longer is something else.
    """
    ends = "(?:[A-Za-z0-9_-]+|)" if is_own_word(prefix) else "(?![A-Za-z0-9])"
    return shape(f"(?:{pattern}){ends}")


def is_own_word(prefix: str) -> bool:
    """Whether a prefix stands for its service alone, and begins nothing else."""
    return len(prefix) > 3 and prefix[-1] in "_-." and prefix not in _EVERYDAY


_EVERYDAY = frozenset(("key-", "API-", "pat-", "pat.", "sat.", "ext_", "pul-", "ico-", "hvr."))
"""Prefixes that other words have as well."""


@cache
def by_start() -> dict[str, tuple[Format, ...]]:
    """The rows by the first two characters of their prefix; those with a shorter prefix by ``""``."""
    found: dict[str, list[Format]] = {}
    for row in FORMATS:
        found.setdefault(row[1][:2] if len(row[1]) > 1 else "", []).append(row)
    return {start: tuple(rows) for start, rows in found.items()}


@cache
def encoded_starts() -> frozenset[str]:
    """What the Base64 of a prefix of four characters or more begins with, and that of a PEM file."""
    import binascii

    starts = {prefix[:3] for _, prefix, _, _ in FORMATS if len(prefix) > 3} | {"---"}
    return frozenset(binascii.b2a_base64(start.encode()).decode()[:4] for start in starts)
