using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class OriginAllowListTests
{
    [Theory]
    [InlineData("https://example.com", "https://example.com")]
    [InlineData("https://example.com", "https://example.com:443")]
    [InlineData("https://example.com:443", "https://example.com")]
    [InlineData("HTTPS://EXAMPLE.COM", "https://example.com")]
    [InlineData("http://localhost:5173", "http://localhost:5173")]
    [InlineData("http://[::1]:5173", "http://[0::1]:5173")]
    [InlineData("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop")]
    [InlineData("capacitor://localhost", "capacitor://localhost")]
    [InlineData("https://*.example.com", "https://www.example.com")]
    [InlineData("https://*.example.com", "https://a.b.c.example.com")]
    [InlineData("https://*.example.com", "https://WWW.EXAMPLE.com:443")]
    [InlineData("https://*.example.com:8443", "https://www.example.com:8443")]
    [InlineData("http://*.localhost", "http://app.localhost")]
    [InlineData("*", "https://example.com")]
    [InlineData("*", "null")]
    [InlineData("https://example.org https://example.com", "https://example.com")]
    public void Allows_what_is_listed(string entries, string origin) => Allows(entries, origin).ShouldBeTrue();

    [Theory]
    [InlineData("https://example.com", "http://example.com")]
    [InlineData("https://example.com", "https://example.com:8443")]
    [InlineData("https://example.com", "https://www.example.com")]
    [InlineData("https://example.com", "https://server.test")] // the server's own: it is not listed
    [InlineData("https://*.example.com", "https://example.com")]
    [InlineData("https://*.example.com", "https://.example.com")]
    [InlineData("https://*.example.com", "https://..example.com")]
    [InlineData("https://*.example.com", "https://evilexample.com")]
    [InlineData("https://*.example.com", "https://www.example.com.evil.test")]
    [InlineData("https://*.example.com", "https://evil.test/.example.com")]
    [InlineData("https://*.example.com", "https://evil.test#.example.com")]
    [InlineData("https://*.example.com", "https://evil.test\0.example.com")]
    [InlineData("https://*.example.com", "http://www.example.com")]
    [InlineData("https://*.example.com", "https://www.example.com:8443")]
    [InlineData("capacitor://localhost", "capacitor://localhost:80")]
    public void Refuses_what_is_not_listed(string entries, string origin) => Allows(entries, origin).ShouldBeFalse();

    [Theory]
    [InlineData("", "has no scheme")]
    [InlineData("example.com", "has no scheme")]
    [InlineData("*.example.com", "has no scheme")]
    [InlineData("null", "sandboxed page")]
    [InlineData("wss://example.com", "http or https")]
    [InlineData("ws://example.com", "http or https")]
    [InlineData("https://example.com/", "remove what follows")]
    [InlineData("https://example.com/app", "remove what follows")]
    [InlineData("https://example.com?x", "remove what follows")]
    [InlineData("https://bücher.example", "punycode")]
    [InlineData("https://*", "whole subdomains")]
    [InlineData("https://*example.com", "whole subdomains")]
    [InlineData("https://a.*.example.com", "whole subdomains")]
    [InlineData("https://*.*.example.com", "whole subdomains")]
    [InlineData("https://example.com:*", "whole subdomains")]
    [InlineData("https://*.[::1]", "no subdomains")]
    [InlineData("https://", "scheme://host")]
    [InlineData("https://*.", "scheme://host")]
    [InlineData("https://example.com:65536", "scheme://host")]
    [InlineData("https://user@example.com", "scheme://host")]
    [InlineData("https://exa mple.com", "scheme://host")]
    [InlineData("ht tp://example.com", "scheme://host")]
    [InlineData("https://example.com\r\n", "scheme://host")]
    public void Says_why_an_entry_cannot_be(string entry, string says)
    {
        var error = Should.Throw<ArgumentException>(() => OriginPolicy.Allow(["https://good.example", entry]));
        error.ParamName.ShouldBe("origins");
        error.Message.ShouldContain(Excerpt.Of(entry));
        error.Message.ShouldContain(says);
    }

    [Fact]
    public void Refuses_a_list_that_contradicts_itself_or_says_nothing()
    {
        Should.Throw<ArgumentException>(() => OriginPolicy.Allow([])).Message.ShouldContain("is empty");
        Should.Throw<ArgumentException>(() => OriginPolicy.Allow([null!])).Message.ShouldContain("is null");
        Should.Throw<ArgumentException>(() => OriginPolicy.Allow(["*", "https://example.com"]))
            .Message.ShouldContain("\"https://example.com\" beside it means nothing");
        Should.Throw<ArgumentException>(() => OriginPolicy.Allow(["https://example.com", "*"]));
    }

    [Fact]
    public void Tells_what_it_compares_with()
    {
        OriginPolicy.Allow(["HTTPS://Example.com:443", "http://*.localhost:5173", "capacitor://localhost", "http://[::1]:80"])
            .ToString().ShouldBe("https://example.com, http://*.localhost:5173, capacitor://localhost, http://[::1]");
        OriginPolicy.Allow(["*"]).ShouldBeSameAs(OriginPolicy.Any);
    }

    private static bool Allows(string entries, string origin) => OriginPolicy.Allow(entries.Split(' '))
        .Allows(new HandshakeRequest { Method = "GET", Scheme = "https", Host = "server.test", Origin = origin });
}
