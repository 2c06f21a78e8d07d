using Microsoft.AspNetCore.Builder;

namespace Sluice.Proxy.Tests;

public class ConfigurationTest
{
    [Theory]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("https://host/prefix/?a=b")]
    [InlineData("http://[::1]:1")]
    [InlineData("HTTP://münchen.test")]
    public void A_good_URL_is_taken(string url) => BackendUrl.Parse(url).ShouldNotBeNull();

    [Theory]
    [InlineData("", "not an absolute URL")]
    [InlineData("localhost", "not an absolute URL")]
    [InlineData("/path", "neither http nor https")]
    [InlineData("localhost:8080", "neither http nor https")]
    [InlineData("ws://host", "write http")]
    [InlineData("wss://host", "write https")]
    [InlineData("http://host:0", "port 0")]
    [InlineData("http://host:70000", "not an absolute URL")]
    [InlineData("http://host/#part", "fragment")]
    public void A_bad_URL_is_refused_with_a_reason_and_an_example(string url, string reason)
    {
        var error = Should.Throw<ArgumentException>(() => BackendUrl.Parse(url));
        error.Message.ShouldContain(reason);
        error.Message.ShouldContain("http://127.0.0.1:8080");
        error.ParamName.ShouldBe("backend");
    }

    [Fact]
    public void A_password_in_the_URL_is_refused_and_not_repeated()
    {
        var error = Should.Throw<ArgumentException>(() => BackendUrl.Parse("http://user:secret@host"));
        error.Message.ShouldContain("password");
        error.Message.ShouldNotContain("secret");
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        Refused(o => o.ConnectTimeout = TimeSpan.Zero).ShouldContain("ConnectTimeout");
        Refused(o => o.ResponseTimeout = TimeSpan.FromSeconds(-2)).ShouldContain("ResponseTimeout");
        Refused(o => o.HalfCloseTimeout = TimeSpan.FromDays(50)).ShouldContain("HalfCloseTimeout");
        Refused(o => o.SendTimeout = TimeSpan.MinValue).ShouldContain("SendTimeout");
        Refused(o => o.DrainTimeout = TimeSpan.MaxValue).ShouldContain("DrainTimeout");
        Refused(o => o.MaxRequestBodySize = -1).ShouldContain("MaxRequestBodySize");
        Refused(o => o.BufferSize = 1023).ShouldContain("BufferSize");
        Refused(o => o.BufferSize = 1048577).ShouldContain("BufferSize");
        Refused(o => o.TimeProvider = null!).ShouldContain("TimeProvider");
    }

    [Fact]
    public void Infinite_timeouts_and_the_bounds_are_taken()
    {
        var options = new ProxyOptions { ConnectTimeout = Timeout.InfiniteTimeSpan, ResponseTimeout = Timeout.InfiniteTimeSpan, MaxRequestBodySize = 0, BufferSize = 1024 };
        options.Validated().BufferSize.ShouldBe(1024);
    }

    [Fact]
    public async Task MapProxy_checks_at_once()
    {
        await using var app = WebApplication.CreateBuilder().Build();
        Should.Throw<ArgumentException>(() => app.MapProxy("/{**path}", "nonsense"));
        Should.Throw<ArgumentException>(() => app.MapProxy("", "http://127.0.0.1:1"));
        Should.Throw<ArgumentException>(() => app.MapProxy(string.Concat("/{", "broken"), "http://127.0.0.1:1")).Message.ShouldContain("{**path}");
        Should.Throw<ArgumentException>(() => app.MapProxy(new Uri("ftp://127.0.0.1")));
        Should.Throw<ArgumentException>(() => app.MapProxy(new Uri("http://127.0.0.1"), new ProxyOptions { BufferSize = 1 }));
        app.MapProxy(new Uri("http://127.0.0.1:1")).ShouldNotBeNull();
    }

    private static string Refused(Action<ProxyOptions> set)
    {
        var options = new ProxyOptions();
        set(options);
        return Should.Throw<ArgumentException>(() => options.Validated()).Message;
    }
}
