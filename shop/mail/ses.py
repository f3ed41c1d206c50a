"""Mails through Amazon SES; loaded by the shops that have it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

from config_amazon import Account
from shop.amazon import Amazon, code_of
from shop.mail.models import Mail
from shop.mail.senders import Letterhead, Refused, Unsure

# What is wrong with this one mail. Source: SES API v2, SendEmail, errors.
FINAL = {"MessageRejected", "BadRequestException", "ValidationException", "InvalidParameterValue"}
# What is wrong with the account; the mail goes out when somebody has mended that.
SETTINGS = {
    "MailFromDomainNotVerifiedException": "the MAIL FROM domain of {sender} is not verified at SES in {region}",
    "AccountSuspendedException": "SES suspended this account's sending in {region}; its console says why",
    "SendingPausedException": "sending is paused at SES in {region}, for the account or the configuration set",
    "NotFoundException": "SES in {region} knows no such configuration set; see MAIL_URL",
    "AccessDeniedException": "this machine's keys may not send: allow ses:SendRawEmail and ses:SendEmail for {sender}",
}
UNVERIFIED = ("not verified", "not have authority to send")


class Unready(Exception):
    """SES would send if its settings were right: the message says which. The mail stays and is tried again."""


class SesSender:
    """``ses://eu-west-1?configuration_set=shop``. Asks once per try: boto3's own repetition could send a letter twice."""

    def __init__(self, url: str, letterhead: Letterhead, account: Account) -> None:
        parts = urlsplit(url)
        self.letterhead, self.region = letterhead, parts.netloc
        self.configuration_set = parse_qs(parts.query).get("configuration_set", [""])[0]
        self.ses = Amazon("sesv2", account, parts.netloc, attempts=1)

    def send(self, mail: Mail) -> None:
        options = {"ConfigurationSetName": self.configuration_set} if self.configuration_set else {}
        try:
            self.ses.client.send_email(
                FromEmailAddress=self.letterhead.sender,
                Destination={"ToAddresses": [mail.recipient]},
                Content={"Raw": {"Data": self.letterhead.message(mail).as_bytes()}},
                **options,
            )
        except ClientError as error:
            raise self._meaning(error) from error
        except (HTTPClientError, IncompleteReadError, ResponseParserError) as silence:  # it was connected, and did not answer in words
            raise Unsure(f"{type(silence).__name__}: {silence}") from silence
        except BotoCoreError as trouble:  # nothing was sent: no keys, no connection
            raise Unready(f"{type(trouble).__name__}: {trouble}") from trouble

    def _meaning(self, error: ClientError) -> Exception:
        """For good, or for now: what SES answers often (too many, its own faults) and what its settings lack come as they are and are tried again."""
        code, said = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
        if any(words in said for words in UNVERIFIED):
            hint = f"verify {self.letterhead.sender} or its domain at SES in {self.region}; while the account is in the sandbox, the recipient as well"
            return Unready(f"{hint} ({said[:300]})")
        if code in SETTINGS:
            return Unready(SETTINGS[code].format(sender=self.letterhead.sender, region=self.region) + f" ({said[:300]})")
        return Refused(f"{code}: {said}") if code in FINAL else error
