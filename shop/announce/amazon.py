"""Handing an envelope to a topic of SNS or a queue of SQS.

The envelope is the message, as JSON; its kind and version are attributes, by which subscriptions can choose. FIFO topics and queues keep the order per
subject and lay the second of two equal ids aside. Who does not answer is asked again by the outbox.
"""

from __future__ import annotations

import json
from typing import Any

from config_amazon import Account, Listener
from shop.amazon import Amazon
from shop.outbox import Handler, Happened
from shop.outbox.envelope import Envelope, envelope_of


def announcer(listener: Listener, account: Account) -> Handler:
    """The consumer that tells this topic or queue."""
    service = Amazon(listener.service, account, listener.region)

    def tell(event: Happened) -> None:
        envelope = envelope_of(event)
        if envelope is None:
            return
        with service.asking() as client:
            if listener.service == "sns":
                client.publish(TopicArn=listener.address, Message=written(envelope), **_about(envelope, is_fifo=listener.is_fifo))
            else:
                client.send_message(QueueUrl=listener.address, MessageBody=written(envelope), **_about(envelope, is_fifo=listener.is_fifo))

    return tell


def written(envelope: Envelope) -> str:
    """The envelope as text; letters of all languages as they are, which is shorter."""
    return json.dumps(envelope.dump(), ensure_ascii=False, separators=(",", ":"))


def _about(envelope: Envelope, *, is_fifo: bool) -> dict[str, Any]:
    attributes = {
        "kind": {"DataType": "String", "StringValue": envelope.kind},
        "version": {"DataType": "Number", "StringValue": str(envelope.version)},
    }
    order = {"MessageGroupId": envelope.subject, "MessageDeduplicationId": envelope.id} if is_fifo else {}
    return {"MessageAttributes": attributes, **order}
