using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

public class BodyTest
{
    [Fact]
    public async Task Bodies_larger_than_every_buffer_and_Kestrels_limit_pass_both_ways()
    {
        const int Size = 48 * 1024 * 1024;
        await using var backend = await TestHost.StartAsync(app => app.MapPost("/echo", EchoAsync));
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var sent = RandomNumberGenerator.GetBytes(Size);
        using var client = new HttpClient();

        foreach (var chunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, proxy.Url + "/echo") { Content = new ByteArrayContent(sent) };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await client.SendAsync(request).Guarded();
            var got = await response.Content.ReadAsByteArrayAsync();
            got.AsSpan().SequenceEqual(sent).ShouldBeTrue();
            response.Headers.GetValues("X-Length").Single().ShouldBe(chunked ? "none" : Size.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        proxy.Metrics["sluice.proxy.bytes/to_backend"].ShouldBe(2L * Size);
        proxy.Metrics["sluice.proxy.bytes/to_client"].ShouldBe(2L * Size);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n", "hello", "5")]
    [InlineData("Content-Length: 0\r\n", "", "0")]
    [InlineData("Transfer-Encoding: chunked\r\n", "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n", null)]
    public async Task A_request_body_is_framed_anew_RFC9112_6(string fields, string body, string? length)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        head["Content-Length"].ShouldBe(length);
        head["Transfer-Encoding"].ShouldBe(length is null ? "chunked" : null);
        if (length is null) ForwardedResponseTest.Unchunked(await seen.ReadToAsync("0\r\n\r\n")).ShouldBe("hello");
        else (await seen.ReadAsync(body.Length)).ShouldBe(body);
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await wire.ReadHeadAsync();
        (await wire.ReadAsync(2)).ShouldBe("ok");
    }

    [Fact]
    public async Task The_first_piece_of_a_request_arrives_before_the_second_is_sent()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        (await seen.ReadToAsync("first")).ShouldEndWith("first");
        await wire.SendAsync("6\r\nsecond\r\n0\r\n\r\n");
        (await seen.ReadToAsync("0\r\n\r\n")).ShouldContain("second");
    }

    [Fact]
    public async Task Headers_and_each_piece_of_a_response_arrive_before_the_next_is_sent()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        (await wire.ReadHeadAsync())["Content-Type"].ShouldBe("text/event-stream");
        for (var i = 0; i < 10; i++)
        {
            await seen.SendAsync($"9\r\ndata: {i}\n\n\r\n");
            (await wire.ReadToAsync($"data: {i}\n\n\r\n")).ShouldStartWith("9\r\n");
        }

        await seen.SendAsync("0\r\n\r\n");
        (await wire.ReadToAsync("0\r\n\r\n")).ShouldBe("0\r\n\r\n");
    }

    [Fact]
    public async Task A_client_that_reads_nothing_stops_the_backend_and_not_the_proxys_memory()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, kestrel: k => k.Limits.MinResponseDataRate = null);
        using var wire = await proxy.ConnectAsync();
        wire.Socket.ReceiveBufferSize = 4096;
        await wire.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
        var sent = await Flood.UntilBlockedAsync(seen.Socket, limit: 256 * 1024 * 1024);
        sent.ShouldBeLessThan(64 * 1024 * 1024);
        proxy.Metrics["sluice.proxy.bytes/to_client"].ShouldBeLessThan(16 * 1024 * 1024);
    }

    [Theory]
    [InlineData("Content-Length: 11\r\n", "hello world")]
    [InlineData("Transfer-Encoding: chunked\r\n", "b\r\nhello world\r\n0\r\n\r\n")]
    public async Task A_body_over_the_limit_gets_413(string fields, string body)
    {
        await using var backend = await TestHost.StartAsync(app => app.MapPost("/echo", EchoAsync));
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { MaxRequestBodySize = 10 });
        (await proxy.AskAsync("POST /echo HTTP/1.1", fields, body)).Head.Start.ShouldBe("HTTP/1.1 413 Payload Too Large");
        (await proxy.AskAsync("POST /echo HTTP/1.1", "Content-Length: 10\r\n", "hello worl")).Head.Start.ShouldBe("HTTP/1.1 200 OK");
    }

    [Fact]
    public async Task A_backend_that_asks_for_the_body_gets_it_RFC9110_10_1_1()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        (await seen.ReadHeadAsync())["Expect"].ShouldBe("100-continue");
        await seen.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 100 Continue");
        await wire.SendAsync(new string('a', 2000));
        (await seen.ReadAsync(2000)).ShouldBe(new string('a', 2000));
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 200 OK");
    }

    [Fact]
    public async Task A_backend_that_refuses_the_expectation_never_gets_the_body_RFC9110_10_1_1()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 417 Expectation Failed");
        (await wire.ReadAsync(2)).ShouldBe("no");
        (await seen.ReadToEndAsync()).ShouldBe("");
    }

    [Fact]
    public async Task An_early_refusal_reaches_the_client_although_the_backend_resets_the_upload()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\nbegin");
        using (var seen = await backend.AcceptAsync())
        {
            await seen.ReadToAsync("begin");
            await seen.SendAsync("HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge");
        }

        await wire.SendAsync(new byte[8_000_000 - 5]);
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 413 Payload Too Large");
        (await wire.ReadAsync(5)).ShouldBe("large");
    }

    [Fact]
    public async Task Trailers_reach_a_client_on_HTTP2()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, listen: l => l.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
        using var client = new HttpClient { DefaultRequestVersion = new(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var request = new HttpRequestMessage(HttpMethod.Get, proxy.Url + "/x") { Version = new(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        var answering = backend.AnswerAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n");
        using var response = await client.SendAsync(request).Guarded();
        (await response.Content.ReadAsStringAsync()).ShouldBe("ok");
        response.TrailingHeaders.GetValues("X-Sum").ShouldBe(["7"]);
        (await answering)["TE"].ShouldBe("trailers");
    }

    private static async Task EchoAsync(HttpContext context)
    {
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
        context.Response.Headers["X-Length"] = context.Request.Headers.ContentLength is { } length ? $"{length}" : "none";
        using var all = new MemoryStream();
        await context.Request.Body.CopyToAsync(all); // the proxy reads the response once it has sent the request
        await context.Response.Body.WriteAsync(all.GetBuffer().AsMemory(0, (int)all.Length));
    }
}
