"""A source is one host, and its addresses may become https."""

from __future__ import annotations

import pytest

from include.ticklake.sources.http.origin import resolve_url, within_source


@pytest.mark.parametrize(
    ("url", "target", "asked"),
    [
        pytest.param("https://a.b/c", "https://a.b/d?e=1", "https://a.b/d?e=1", id="one origin"),
        pytest.param("https://a.b/c", "https://A.b:443/d", "https://A.b:443/d", id="its port said"),
        pytest.param("http://a.b/c", "https://a.b/d", "https://a.b/d", id="http becomes https"),
        pytest.param("http://a.b:80/c", "https://a.b:443/d", "https://a.b:443/d", id="both said"),
        pytest.param("https://a.b/c", "http://a.b/d", "https://a.b/d", id="https stays https"),
        pytest.param("https://a.b:8/c", "http://a.b:8/d", "https://a.b:8/d", id="on its own port"),
        pytest.param("https://a.b/c", "http://a.b:8/d", None, id="http on another port"),
        pytest.param("https://a.b/c", "https://a.b:8/d", None, id="another port"),
        pytest.param("http://a.b/c", "http://a.b:8/d", None, id="another port of http"),
        pytest.param("https://a.b/c", "https://b.b/d", None, id="another host"),
        pytest.param("https://a.b/c", "https://a.b.c/d", None, id="a longer host"),
        pytest.param("https://a.b/c", "https://me:pw@a.b/d", None, id="with a login"),
        pytest.param("https://a.b/c", "ftp://a.b/d", None, id="another protocol"),
        pytest.param("https://a.b/c", "https://a.b:99999/", None, id="a port that does not exist"),
        pytest.param("https://a.b/c", "https:///d", None, id="no host"),
    ],
)
def test_an_address_is_of_the_source_or_of_another(url, target, asked):
    """The same with and without secrets: one host, from default port to default port."""
    assert within_source(url, target, sends_secrets=True) == asked
    assert within_source(url, target, sends_secrets=False) == asked


def test_secrets_go_to_no_other_port():
    """Without any, https on any port of the host will do."""
    url, target = "http://a.b:8000/c", "https://a.b:8443/d"
    assert within_source(url, target, sends_secrets=False) == target
    assert within_source(url, target, sends_secrets=True) is None


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("/b?x=1", "https://a.b/b?x=1"),
        ("?x=1", "https://a.b/c?x=1"),
        ("https://d.e/f", "https://d.e/f"),
        ("http://[", None),
    ],
)
def test_a_reference_is_resolved_against_the_url_it_came_from(reference, url):
    """None if it is not a URL."""
    assert resolve_url("https://a.b/c?y=2", reference) == url
