"""Synthetic secrets of every kind that is taken out, made at run time from a form and a seed: none was ever issued.

A form is a row of pieces: text as it is, and ``A36`` for 36 letters and digits, by the alphabets below. A scanner that
reads this file finds prefixes and numbers, and no secret.

Boundary: data and the making of it, for the tests, ``tests.bench.secrets`` and the planted secrets. The facts are those
of the services' documentation and of the gitleaks rules and detect-secrets plugins of these names, looked up apart from
the table under test.
"""

from __future__ import annotations

import base64
import random
import re
import zlib

__all__ = ["ASSIGNED", "BROKEN", "ENVIRONMENT", "PLACES", "TOKENS", "VALUE", "made", "sample"]

_ALPHABETS = {
    "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "B": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "D": "0123456789",
    "L": "abcdefghijklmnopqrstuvwxyz0123456789",
    "M": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "U": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "W": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
    "X": "0123456789abcdef",
    "Z": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}
_PIECE = re.compile(r"<([A-Z])([0-9]+)>")


def made(form: str, seed: str) -> str:
    """``form`` with every ``<A36>`` filled in, the same for the same seed: an everyday mixture of its alphabet."""
    source = random.Random(zlib.crc32(seed.encode()))

    def piece(match: re.Match[str]) -> str:
        letters, number = _ALPHABETS[match[1]], int(match[2])
        text = "".join(source.choices(letters, k=number))
        # By chance a short one has no digit, or is all digits; a real one is drawn again as seldom.
        if match[1] not in "DM" and number > 5 and (text.isdigit() or not any(map(str.isdigit, text))):
            text = f"{text[:2]}7k{text[4:]}" if match[1] != "X" else f"{text[:2]}7c{text[4:]}"
        # A hyphen or an underline at an end would be taken for what parts words.
        return text.replace("-", "d", 1 if text[0] == "-" else 0)[:-1] + (text[-1] if text[-1].isalnum() else "Q")

    return _PIECE.sub(piece, form)


_UUID = "<X8>-<X4>-<X4>-<X4>-<X12>"

TOKENS: dict[str, str] = {
    "1password-secret-key": "A3-<U6>-<U11>-<U5>-<U5>-<U5>",
    "1password-service-account": "ops_" + "eyJ<A300>",
    "adafruit-io": "aio_<A28>",
    "adobe-client-secret": "p8e-<L32>",
    "age-secret-key": "AGE-SECRET-" + "KEY-1<Z58>",
    "airtable-pat": "pat<A14>.<X64>",
    "aiven-password": "AVNS_<A19>",
    "alibaba-access-key": "LTAI<A20>",
    "anthropic-admin": "sk-ant-" + "admin01-<A93>AA",
    "anthropic-api": "sk-ant-" + "api03-<A93>AA",
    "artifactory-api-key": "AKCp<A69>",
    "artifactory-reference": "cmVmd<A59>",
    "asana-pat": "1/<D16>:<X32>",
    "atlassian-api": "ATATT3<A186>",
    "authress": "sc_<A20>.<L5>.acc-<L20>.<A60>",
    "aws-access-key": "AKIA<U16>",
    "aws-session-key": "ASIA<U16>",
    "aws-bedrock-long": "ABSK<A112>",
    "aws-bedrock-short": "bedrock-api-key-" + "YmVkcm9jay5hbWF6b25hd3MuY29t<A20>",
    "azure-ad-secret": "<A3>8Q~<A34>",
    "azure-devops-pat": "<A76>AZDO<A4>",
    "azure-annotated-key": "<A52>JQQJ99<A26>",
    "bitbucket-app-password": "ATBB<A32>",
    "bitbucket-access-token": "ATCTT3x" + "FfGN0<A100>",
    "brevo-api": "xkeysib-<X64>-<A16>",
    "brevo-smtp": "xsmtpsib-<X64>-<A16>",
    "buildkite": "bkua_<X40>",
    "circleci": "CCIPAT_<A22>_<X40>",
    "clickhouse": "4b1d<A38>",
    "clojars": "CLOJARS_<L60>",
    "cloudflare-origin-ca": "v1.0-<X24>-<X146>",
    "cloudflare-api": "cfut_<A40><X8>",
    "contentful-pat": "CFPAT-<A43>",
    "crates-io": "cio<A32>",
    "crypt-bcrypt": "$2b$12$<A53>",
    "crypt-sha512": "$6$<A16>$<A86>",
    "crypt-argon2": "$argon2id$v=19$m=65536,t=3,p=4$<A22>$<A43>",
    "databricks": "dapi<X32>",
    "datadog-application": "ddapp_<A34>",
    "defined-networking": "dnkey-<L26>-<L52>",
    "digitalocean-access": "doo_v1_<X64>",
    "digitalocean-pat": "dop_v1_<X64>",
    "digitalocean-refresh": "dor_v1_<X64>",
    "discord-bot": "M<A23>.<A6>.<A38>",
    "docker-hub": "dckr_pat_<A27>",
    "docker-organization": "dckr_oat_<A32>",
    "doppler": "dp.pt.<A43>",
    "doppler-service": "dp.st.prd.<A43>",
    "dropbox-short": "sl.<A135>",
    "duffel": "duffel_live_<A43>",
    "dynatrace": "dt0c01.<A24>.<A64>",
    "easypost": "EZAK<A54>",
    "easypost-test": "EZTK<A54>",
    "facebook-app": "<D16>|<A27>",
    "facebook-page": "EAAM<A120>",
    "figma": "figd_<A40>",
    "flutterwave": "FLWSECK_" + "TEST-<X32>-X",
    "flyio": "fo1_<A43>",
    "flyio-macaroon": "fm2_<A120>",
    "frameio": "fio-u-<A64>",
    "github-classic": "ghp_<A36>",
    "github-oauth": "gho_<A36>",
    "github-user": "ghu_<A36>",
    "github-server": "ghs_<A36>",
    "github-refresh": "ghr_<A36>",
    "github-fine-grained": "github_" + "pat_<A22>_<A59>",
    "gitlab-pat": "glpat-<A20>",
    "gitlab-pat-routable": "glpat-<A27>.01<L7>",
    "gitlab-deploy": "gldt-<A20>",
    "gitlab-job": "glcbt-<X2>_<A20>",
    "gitlab-trigger": "glptt-<X40>",
    "gitlab-feed": "glft-<A20>",
    "gitlab-mail": "glimt-<L25>",
    "gitlab-agent": "glagent-<A50>",
    "gitlab-oauth-app": "gloas-<A64>",
    "gitlab-runner": "glrt-<A20>",
    "gitlab-runner-registration": "GR1348941<A20>",
    "gitlab-scim": "glsoat-<A20>",
    "gitlab-feature-flag": "glffct-<A20>",
    "google-api-key": "AIza" + "Sy<A33>",
    "google-oauth-secret": "GOCSPX-<A28>",
    "google-oauth-access": "ya29.<A60>",
    "google-oauth-refresh": "1//0<A50>",
    "grafana-api-key": "eyJrIjoi<A90>",
    "grafana-cloud": "glc_eyJvIjoi<A80>",
    "grafana-service-account": "glsa_<A32>_<X8>",
    "groq": "gsk_<A52>",
    "harness": "pat.<A22>.<X24>.<A20>",
    "heroku": "HRKU-AA<A58>",
    "hubspot": f"pat-na1-{_UUID}",
    "huggingface": "hf_<M34>",
    "huggingface-organization": "api_org_<M34>",
    "infracost": "ico-<A32>",
    "intra42": "s-s4t2ud-<X64>",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiI<A40>.<A43>",
    "jwt-in-base64": "base64:eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiI<A40>.<A43>",
    "langsmith": "lsv2_pt_<X32>_<X10>",
    "linear": "lin_api_<A40>",
    "mailchimp": "<X32>-us12",
    "mailgun": "key-<X32>",
    "mapbox-secret": "sk.eyJ" + "1Ijoi<A60>.<A22>",
    "mapbox-public": "pk.<L60>.<L22>",
    "maxmind": "<A6>_<A29>_mmk",
    "new-relic-user": "NRAK-<U27>",
    "new-relic-insert": "NRII-<A32>",
    "new-relic-browser": "NRJS-<X19>",
    "notion": "ntn_<D11><A35>",
    "npm": "npm_<A36>",
    "nuget": "oy2<L43>",
    "octopus": "API-<U26>",
    "openai-legacy": "sk-<A20>T3Blbk" + "FJ<A20>",
    "openai-project": "sk-proj-<A74>T3Blbk" + "FJ<A74>",
    "openai-service": "sk-svcacct-<A58>T3Blbk" + "FJ<A58>",
    "openrouter": "sk-or-v1-<X64>",
    "openshift": "sha256~<A43>",
    "perplexity": "pplx-<A48>",
    "pinecone": "pcsk_<A60>",
    "plaid": f"access-production-{_UUID}",
    "planetscale-password": "pscale_pw_<A43>",
    "planetscale-token": "pscale_tkn_<A43>",
    "postman": "PMAK-<X24>-<X34>",
    "posthog": "phx_<A43>",
    "prefect": "pnu_<A36>",
    "pulumi": "pul-<X40>",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc<A90>",
    "pypi-test": "pypi-" + "AgENdGVzdC5weXBpLm9yZw<A90>",
    "razorpay": "rzp_live_<A14>",
    "readme": "rdme_<L70>",
    "replicate": "r8_<A37>",
    "resend": "re_<A8>_<A24>",
    "rubygems": "rubygems_<X48>",
    "scalingo": "tk-us-<A48>",
    "scaleway": "SCW<U17>",
    "sendgrid": "SG.<A22>.<A43>",
    "sentry-organization": "sntrys_" + "eyJpYXQiO<A80>_<A43>",
    "sentry-user": "sntryu_<X64>",
    "settlemint": "sm_pat_<A16>",
    "shippo": "shippo_live_<X40>",
    "shopify-access": "shpat_<X32>",
    "shopify-custom": "shpca_<X32>",
    "shopify-private": "shppa_<X32>",
    "shopify-shared": "shpss_<X32>",
    "slack-app": "xapp-1-A<U10>-<D13>-<X64>",
    "slack-bot": "xoxb-<D12>-<D12>-<A24>",
    "slack-config": "xoxe.xoxp-1-<A163>",
    "slack-config-refresh": "xoxe-1-<A146>",
    "slack-legacy": "xoxs-<D10>-<D10>-<D10>-<X10>",
    "slack-user": "xoxp-<D12>-<D12>-<D12>-<X32>",
    "sonar": "squ_<X40>",
    "sourcegraph": "sgp_<X16>_<X40>",
    "square-access": "sq0atp-<A22>",
    "square-oauth": "sq0csp-<A43>",
    "square-production": "EAAA<A60>",
    "stripe-live": "sk_live_<A24>",
    "stripe-restricted": "rk_live_<A24>",
    "stripe-test": "sk_test_<A99>",
    "stripe-webhook": "whsec_<A32>",
    "supabase": "sbp_<X40>",
    "supabase-secret": "sb_secret_<A31>",
    "tailscale": "tskey-auth-<A12>CNTRL-<A32>",
    "telegram-bot": "<D10>:AA<A33>",
    "terraform-cloud": "<A14>.atlasv1.<A67>",
    "twilio-api-key": "SK<X32>",
    "twilio-account": "AC<X32>",
    "twitter-bearer": "AAAAAAAAAAAAAAAAAAAAAA<A90>",
    "typeform": "tfp_<A59>",
    "vault-batch": "hvb.<A140>",
    "vault-service": "hvs.<A95>",
    "vault-service-legacy": "s.<A24>",
    "vercel": "vcp_<A40>",
    "xai": "xai-<A80>",
    "yandex-api-key": "AQVN<A36>",
    "yandex-iam": "t1.<A30>.<A86>",
    "zapier": "sk-ak-<A30>",
}
"""One row a format: what a secret of it looks like."""

VALUE = "Zq<A20>x9"
"""A value of no known shape."""

ASSIGNED: dict[str, str] = {
    "shell": "DB_PASSWORD={}",
    "shell-export": "export NPM_AUTH_SECRET={}",
    "shell-quoted": "export API_TOKEN='{}'",
    "shell-prefix": "PGPASSWORD={} psql -h db",
    "dotenv": "APP_SECRET_KEY={}\nDEBUG=1",
    "dotenv-quoted": 'APP_KEY_BASE_SECRET="{}"',
    "ini": "[db]\npassword = {}\nuser = app",
    "properties": "spring.datasource.password={}",
    "toml": 'api_key = "{}"',
    "toml-single": "client_secret = '{}'",
    "toml-list": 'passwords = ["{}", "other-one-2"]',
    "json": '{{"access_token": "{}", "expires_in": 3600}}',
    "json-compact": '{{"password":"{}"}}',
    "json-escaped": '{{"body": "{{\\"clientSecret\\": \\"{}\\"}}"}}',
    "json-pair": '{{"name": "DEPLOY_TOKEN", "value": "{}"}}',
    "yaml": "database:\n  password: {}\n  user: app",
    "yaml-quoted": 'secret_key: "{}"',
    "yaml-list": "- token: {}",
    "yaml-block": "client_secret: |\n  {}\nuser: app",
    "yaml-pair": "env:\n  - name: DEPLOY_TOKEN\n    value: {}",
    "yaml-flow": "{{host: db, password: {}, user: app}}",
    "xml-element": "<password>{}</password>",
    "xml-attribute": '<add key="Password" value="{}"/>',
    "xml-own-attribute": '<server name="db" password="{}"/>',
    "python": 'api_secret = "{}"',
    "python-annotated": 'auth_token: str = "{}"',
    "python-environ": 'os.environ["SERVICE_TOKEN"] = "{}"',
    "python-call": 'connect(host="db", password="{}")',
    "python-setdefault": 'os.environ.setdefault("SERVICE_TOKEN", "{}")',
    "go": 'apiKey := "{}"',
    "rust": 'const API_TOKEN: &str = "{}";',
    "c-define": 'char password[] = "{}";',
    "java": 'String clientSecret = "{}";',
    "javascript": 'const accessToken = "{}";',
    "php": "$config['db_password'] = '{}';",
    "php-array": "array('secret_key' => '{}')",
    "ruby": ":secret_key_base => '{}'",
    "powershell": '$env:DEPLOY_TOKEN = "{}"',
    "batch": "set DB_PASSWORD={}",
    "fish": "set -gx DEPLOY_TOKEN {}",
    "csh": "setenv DEPLOY_TOKEN {}",
    "dockerfile-env": "ENV NPM_TOKEN {}",
    "dockerfile-arg": "ARG DB_PASSWORD={}",
    "hcl": 'secret_access_key = "{}"',
    "terraform-variable": '-var="db_password={}"',
    "npmrc": "//registry.example.org/:_authToken={}",
    "npmrc-password": "_password={}",
    "pip-conf": "twine_password = {}",
    "netrc": "machine example.org login me password {}",
    "git-config": "git config --global user.password {}",
    "sql-identified": "CREATE USER 'app'@'%' IDENTIFIED BY '{}'",
    "sql-password": "ALTER ROLE app WITH PASSWORD '{}'",
    "odbc": "Server=db;Database=app;User Id=app;Password={};",
    "azure-storage": "DefaultEndpointsProtocol=https;AccountName=app;AccountKey={};EndpointSuffix=core",
    "azure-shared": "Endpoint=sb://app/;SharedAccessKeyName=root;SharedAccessKey={}",
    "wireguard": "PrivateKey = {}",
    "option": "deploy --token {} --to prod",
    "option-equal": "deploy --api-key={}",
    "option-quoted": "login --password '{}'",
    "option-single-dash": "java -Djavax.net.ssl.keyStorePassword={} -jar app.jar",
    "option-json": '["deploy", "--token", "{}"]',
    "option-continued": "deploy --token \\\n    {}",
    "curl-user": "curl -u admin:{} https://example.org",
    "curl-user-long": "curl --user admin:{} https://example.org",
    "docker-login": "docker login -u me -p {} registry.example.org",
    "sshpass": "sshpass -p {} ssh host",
    "mysql": "mysql -u root -p{} app",
    "redis-cli": "redis-cli -h db -a {}",
    "openssl-pass": "openssl rsa -passin pass:{} -in k.pem",
    "header-bearer": "Authorization: Bearer {}",
    "header-basic": "authorization: Basic {}",
    "header-token": "curl -H 'Authorization: token {}'",
    "header-proxy": "Proxy-Authorization: Basic {}",
    "header-plain": "Authorization: {}",
    "header-digest": 'Authorization: Digest username="me", response="{}"',
    "header-aws": "Authorization: AWS4-HMAC-SHA256 Credential=me/20260101/us/s3, Signature={}",
    "header-json": '"authorization": "Bearer {}"',
    "header-api-key": "X-Api-Key: {}",
    "header-private-token": "PRIVATE-TOKEN: {}",
    "header-vault": "X-Vault-Token: {}",
    "header-auth-token": "x-auth-token: {}",
    "header-subscription": "Ocp-Apim-Subscription-Key: {}",
    "header-security-token": "X-Amz-Security-Token: {}",
    "header-cookie": "Cookie: theme=dark; session={}",
    "header-set-cookie": "Set-Cookie: sid={}; Path=/; HttpOnly",
    "header-dict": "{{'Authorization': 'Bearer {}'}}",
    "bearer-alone": "sent with bearer {}",
    "url-password": "https://user:{}@example.org/path",
    "url-database": "postgres://app:{}@db:5432/app",
    "url-redis": "redis://:{}@cache:6379/0",
    "url-token": "git clone https://{}@example.org/a/b.git",
    "url-query-token": "GET /v1/items?access_token={}&page=2",
    "url-query-key": "https://example.org/v1?key={}",
    "url-query-signature": "https://acc.example.org/c/b?sv=2024-01-01&sig={}",
    "url-query-amz": "https://b.example.org/o?X-Amz-Expires=60&X-Amz-Signature={}",
    "url-fragment": "https://example.org/cb#access_token={}&state=1",
    "form-body": "grant_type=password&username=me&password={}",
    "slack-webhook": "https://hooks." + "slack.com/services/T0ABCDEF1/B0ABCDEF2/{}",
    "discord-webhook": "https://discord." + "com/api/webhooks/123456789012345678/{}",
    "service-name": 'datadog: "<L40>"',
    "service-uuid": f'HEROKU = "{_UUID}"',
    "service-codecov": "codecov: <L32>",
}
"""Where a value of no known shape stands, so that its place gives it away; ``{}`` is the value."""

ENVIRONMENT: dict[str, str] = {
    "NPM_TOKEN": "planted-npm-value-1",
    "AZURE_CLIENT_SECRET": "Planted.azure~value2",
    "DATABASE_PASSWORD": "correct-horse-battery",
    "MYSQL_PWD": "planted+mysql/value=4",
    "PGPASSWORD": "plantedpgvalue",
    "SSHPASS": "planted ssh value 6",
    "REDISCLI_AUTH": "planted7redis8value9x",
    "STRIPE_SECRET_KEY": "planted-stripe-value-8",
    "SIGNING_KEY": "0123456789abcdef0123456789abcdef",
    "SSH_PRIVATE_KEY": "planted\nprivatekeylineoneplanted\nprivatekeylinetwoplanted",
    "GOOGLE_CREDENTIALS": '{"type": "service_account", "private_key": "planted-google-value-11"}',
    "DOCKER_AUTH_CONFIG": '{"auths": {"r.example.org": {"auth": "cGxhbnRlZDp2YWx1ZTEy"}}}',
    "DATABASE_URL": "postgres://app:planted-url-value-13@db/app",
    "HTTPS_PROXY": "http://me:planted-proxy-14@proxy:3128",
    "CI_JOB_JWT_TOKEN": "planted.job.token.15",
    "TWINE_PASSWORD": "planted-twine-16",
    "VAULT_SECRET_ID": "planted-vault-17",
    "GPG_PASSPHRASE": "planted gpg phrase 18",
    "ADMIN_CREDENTIALS": "planted-admin-19",
    "SLACK_WEBHOOK": "https://chat.example.org/hook/T0/planted20VALUE30planted",
    "NUGET_APIKEY": "planted-nuget-21",
    "dbPassword": "planted-camel-22",
}
"""Variables whose names say that they hold a secret, and a value that is of no known shape."""

PLACES: dict[str, str] = {
    "GOOGLE_CREDENTIALS": "planted-google-value-11",
    "DOCKER_AUTH_CONFIG": "cGxhbnRlZDp2YWx1ZTEy",
    "DATABASE_URL": "planted-url-value-13",
    "HTTPS_PROXY": "planted-proxy-14",
    "SLACK_WEBHOOK": "planted20VALUE30planted",
}
"""What of a variable's value is secret, where that is not all of it."""


def sample(name: str) -> str:
    """The secret of a format."""
    return made(TOKENS[name].removeprefix("base64:"), name)


def _pem(kind: str, seed: str) -> list[str]:
    body = [made("<B64>", f"{seed}{number}") for number in range(6)]
    return [
        f"-----BEGIN {kind}" + "PRIVATE KEY-----",
        *body,
        made("<B22>", seed) + "==",
        f"-----END {kind}" + "PRIVATE KEY-----",
    ]


def _wrapped(text: str, width: int, end: str) -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


def _broken() -> dict[str, tuple[str, list[str]]]:
    pem, token, long = _pem("RSA ", "pem"), sample("github-classic"), sample("pypi")
    openssh = _pem("OPENSSH ", "ssh")
    inner = pem[1:-1]
    bare = ["MIIEvQIBADANBgkqhkiG9w0B" + made("<A40>", "der"), *inner]
    block = base64.b64encode("\n".join(pem).encode()).decode()
    secret = made("<A40>", "wrapped")
    return {
        "pem": ("\n".join(pem), inner),
        "pem-crlf": ("\r\n".join(pem), inner),
        "pem-escaped": ("\\n".join(pem), inner),
        "pem-escaped-twice": ("\\\\n".join(pem), inner),
        "pem-indented": ("key: |\n  " + "\n  ".join(pem), inner),
        "pem-quoted": ("> " + "\n> ".join(pem), inner),
        "pem-joined": (" ".join(pem), inner),
        "pem-strings": ("\n".join(f'"{line}\\n"' for line in pem), inner),
        "pem-openssh": ("\n".join(openssh), openssh[1:-1]),
        "pem-without-end": ("\n".join(pem[:-1]), inner),
        "pem-without-end-then-text": ("\n".join([*pem[:4], "then the build went on"]), pem[1:4]),
        "pem-without-begin": ("\n".join(pem[2:]), pem[2:-1]),
        "pem-without-both": ("\n".join(bare), bare),
        "pem-base64": (block, [block[:200], block[200:]]),
        "pem-base64-wrapped": (_wrapped(block, 76, "\n"), [block[76:152]]),
        "pem-headers": (
            "\n".join([pem[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00FF", "", *pem[1:]]),
            inner,
        ),
        "pgp": ("\n".join(_pem("PGP ", "pgp")).replace("KEY---", "KEY BLOCK---"), _pem("PGP ", "pgp")[1:-1]),
        "putty": ("Private-" + "Lines: 6\n" + "\n".join(inner) + "\nPrivate-MAC: 00", inner),
        "token-two-lines": (f"using {token[:20]}\n{token[20:]} now", [token[:20], token[20:]]),
        "token-late-break": (f"using {token[:7]}\n{token[7:]}", [token[7:]]),
        "token-broken-prefix": (f"gh\n{token[2:]}", [token[2:]]),
        "token-indented": (f"token:\n    {token[:24]}\n    {token[24:]}", [token[:24], token[24:]]),
        "token-escaped": (f"using {token[:20]}\\n{token[20:]}", [token[:20], token[20:]]),
        "token-shell": (f"export X={token[:20]}\\\n{token[20:]}", [token[:20], token[20:]]),
        "token-strings": (f'"{token[:20]}"\n  "{token[20:]}"', [token[:20], token[20:]]),
        "token-in-traceback": (f"E         {token[:20]}\nE         {token[20:]}", [token[:20], token[20:]]),
        "token-in-log": (
            f"2026-01-01T12:00:00.1234567Z {token[:20]}\n2026-01-01T12:00:00.1234568Z {token[20:]}",
            [token[:20], token[20:]],
        ),
        "token-in-container": (f"web-1  | {token[:20]}\nweb-1  | {token[20:]}", [token[:20], token[20:]]),
        "pem-in-traceback": ("\n".join(f"E       {line}" for line in pem[:-1]), inner),
        "token-many-lines": (_wrapped(long, 40, "\n"), [long[40:80], long[80:]]),
        "token-crlf": (_wrapped(long, 60, "\r\n"), [long[60:]]),
        "value-wrapped": (f"AWS_SECRET_KEY={_wrapped(secret, 30, chr(10))}", [secret[:30], secret[30:]]),
        "value-block": (
            f"signing_key: {_wrapped(block[:300], 76, chr(10))}\nuser: app",
            [block[:76], block[76:152], block[228:300]],
        ),
    }


BROKEN = _broken()
"""Secrets over several lines, and what of them may not be left."""
