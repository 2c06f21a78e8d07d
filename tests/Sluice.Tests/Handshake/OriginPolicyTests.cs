using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class OriginPolicyTests
{
    [Theory]
    [InlineData("http", "example.com", "http://example.com")]
    [InlineData("https", "example.com", "https://example.com")]
    [InlineData("http", "example.com", "https://example.com")] // TLS ends in front of us
    [InlineData("http", "Example.COM", "HTTP://eXample.com")]
    [InlineData("http", "example.com:80", "http://example.com")]
    [InlineData("http", "example.com", "http://example.com:80")]
    [InlineData("https", "example.com:443", "https://example.com")]
    [InlineData("http", "example.com:443", "https://example.com")]
    [InlineData("http", "example.com:", "http://example.com")] // RFC 3986 §6.2.3: an empty port is none
    [InlineData("http", "localhost:8080", "http://localhost:8080")]
    [InlineData("http", "localhost:8443", "https://localhost:8443")]
    [InlineData("http", "127.0.0.1:5000", "http://127.0.0.1:5000")]
    [InlineData("http", "[::1]:5000", "http://[::1]:5000")]
    [InlineData("http", "[::1]", "http://[0:0:0:0:0:0:0:1]")]
    [InlineData("http", "[::ffff:127.0.0.1]", "http://[::FFFF:7f00:1]")]
    [InlineData("https", "xn--bcher-kva.example", "https://xn--bcher-kva.example")]
    [InlineData(null, "example.com", "http://example.com")]
    public void Same_origin_allows_pages_of_the_host(string? scheme, string host, string origin) =>
        Allows(OriginPolicy.SameOrigin, scheme, host, origin).ShouldBeTrue();

    [Theory]
    [InlineData("http", "example.com", "http://example.org")]
    [InlineData("http", "example.com", "http://www.example.com")]
    [InlineData("http", "www.example.com", "http://example.com")]
    [InlineData("http", "example.com", "http://example.com.evil.test")]
    [InlineData("http", "example.com", "http://evilexample.com")]
    [InlineData("http", "example.com", "http://example.com@evil.test")]
    [InlineData("http", "example.com", "http://evil.test@example.com")]
    [InlineData("http", "example.com", "http://evil.test#example.com")]
    [InlineData("http", "example.com", "http://evil.test\\@example.com")]
    [InlineData("http", "example.com", "http://example.com, http://evil.test")] // two lines joined
    [InlineData("http", "example.com", "http://example.com http://evil.test")] // RFC 6454 has lists; browsers do not
    [InlineData("http", "example.com", "http://example.com:8080")]
    [InlineData("http", "example.com:8080", "http://example.com")]
    [InlineData("http", "example.com:8080", "http://example.com:8081")]
    [InlineData("http", "example.com:80", "https://example.com")]
    [InlineData("https", "example.com", "http://example.com")] // whoever sits on the line may have written that page
    [InlineData("http", "example.com", "http://example.com:443")]
    [InlineData("http", "[::1]:80", "http://[::2]")]
    [InlineData("http", "localhost", "capacitor://localhost")]
    [InlineData("http", "localhost:80", "app://localhost:80")]
    public void Same_origin_refuses_pages_of_others(string scheme, string host, string origin) =>
        Allows(OriginPolicy.SameOrigin, scheme, host, origin).ShouldBeFalse();

    public static TheoryData<string> NoOrigins =>
    [
        "", " ", "null", "NULL", "*", "example.com", "//example.com", "://example.com", "http:example.com", "http:/example.com",
        "http://", "http:///", "http://example.com/", "http://example.com/path", "http://example.com?", "http://example.com#",
        " http://example.com", "http://example.com ", "http://example.com\0", "http://example.com\r\n", "http://\0example.com",
        "http://user@example.com", "http://example.com:x", "http://example.com:-1", "http://example.com:+80",
        "http://example.com:65536", "http://example.com:000080", "http://example.com:80:80", "http://[example.com]", "http://[]", "http://[127.0.0.1]", "http://[1]", "http://[::1",
        "http://::1", "http://[::1]x", "http://[::1%25eth0]", "http://[fe80::1%eth0]", "http://ex\u00e4mple.com", "http://example\u3002com",
        "1http://example.com", "ht tp://example.com", "h\u0442tp://example.com", "http://" + new string('a', 1 << 20), new string('h', 1 << 20),
    ];

    [Theory]
    [MemberData(nameof(NoOrigins))]
    public void What_is_no_origin_is_refused_whatever_the_host(string origin)
    {
        Allows(OriginPolicy.SameOrigin, "http", "example.com", origin).ShouldBeFalse();
        Allows(OriginPolicy.SameOrigin, "http", origin, origin).ShouldBeFalse();
        Allows(OriginPolicy.Allow(["http://example.com"]), "http", "example.com", origin).ShouldBeFalse();
        Allows(OriginPolicy.Any, "http", "example.com", origin).ShouldBeTrue();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("example.com, example.com")]
    [InlineData("example.com/x")]
    [InlineData("http://example.com")]
    public void Same_origin_compares_with_a_well_formed_host_only(string? host) =>
        Allows(OriginPolicy.SameOrigin, "http", host, "http://example.com").ShouldBeFalse();

    [Fact]
    public void Without_Origin_it_is_no_page_of_a_browser()
    {
        Allows(OriginPolicy.SameOrigin, "http", "example.com", null).ShouldBeTrue();
        Allows(OriginPolicy.Allow(["https://example.org"]), "http", "example.com", null).ShouldBeTrue();
        Allows(OriginPolicy.Any, "http", "example.com", null).ShouldBeTrue();
    }

    [Fact]
    public void A_policy_of_the_callers_own_is_asked_with_the_whole_request()
    {
        HandshakeRequest? seen = null;
        var policy = OriginPolicy.Custom(request =>
        {
            seen = request;
            return request.Origin is null;
        });
        Allows(policy, "https", "example.com", "https://example.com").ShouldBeFalse();
        seen.ShouldNotBeNull().Origin.ShouldBe("https://example.com");
        Allows(policy, "https", "example.com", null).ShouldBeTrue();
        seen.ShouldNotBeNull().Host.ShouldBe("example.com");
    }

    [Fact]
    public void Random_origins_never_throw_and_only_equal_hosts_are_the_same_origin()
    {
        var random = new Random(6454);
        var allowed = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var host = RandomText.From(random, "ab.:1[]@", 5);
            var origin = "http://" + (random.Next(3) == 0 ? host : RandomText.From(random, RandomText.Hostile + "ab.:1", 5));
            if (!Allows(OriginPolicy.SameOrigin, "http", host, origin)) continue;
            WithoutPort(origin["http://".Length..]).ShouldBe(WithoutPort(host), StringCompareShould.IgnoreCase);
            allowed++;
        }

        allowed.ShouldBeGreaterThan(500);
    }

    private static string WithoutPort(string authority) => authority.Split(':')[0];

    private static bool Allows(OriginPolicy policy, string? scheme, string? host, string? origin) =>
        policy.Allows(new HandshakeRequest { Method = "GET", Scheme = scheme, Host = host, Origin = origin });
}
