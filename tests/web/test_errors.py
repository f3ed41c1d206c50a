"""Answers to what cannot be answered."""


def test_a_redirect_never_names_the_host_that_a_visitor_sent(client):
    answer = client.get("/media//etc/passwd", base_url="http://evil.example")

    assert (answer.status_code, answer.headers["Location"]) == (308, "/media/etc/passwd")
