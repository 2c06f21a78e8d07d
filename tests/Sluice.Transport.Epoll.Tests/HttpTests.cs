using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

/// <summary>Kestrel's HTTP over the transport.</summary>
public class HttpTests
{
    private const int Large = 64 * 1024 * 1024;

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Requests_on_one_connection_and_requests_sent_ahead_are_answered_in_order(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, app => app.Run(c => c.Response.WriteAsync($"[{c.Request.Path}]")));
        using var peer = await ConnectAsync(server);
        await peer.SendAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 50).Select(i => $"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n"))));
        var text = await ReadUntilAsync(peer, "[/49]");
        for (var i = 0; i < 50; i++)
        {
            var at = text.IndexOf($"[/{i}]", StringComparison.Ordinal);
            at.ShouldBeGreaterThan(0);
            text = text[at..];
        }
        foreach (var piece in (string[])["GET /sl", "ow HTTP/1.1\r", "\nHost: a\r\n\r", "\n"]) await peer.SendAsync(Encoding.ASCII.GetBytes(piece));
        (await ReadUntilAsync(peer, "[/slow]")).ShouldContain("200 OK");
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Large_bodies_both_ways(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Bodies, kestrel: k => k.Limits.MaxRequestBodySize = null);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") };
        await UploadAsync(client, chunked: false);
        await UploadAsync(client, chunked: true);
        await DownloadAsync(client);
        await EchoAsync(client, HttpVersion.Version11);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Expect_100_continue(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Bodies);
        using var peer = await ConnectAsync(server);
        await peer.SendAsync("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"u8.ToArray());
        await ReadUntilAsync(peer, "HTTP/1.1 100 Continue\r\n\r\n");
        await peer.SendAsync("hello"u8.ToArray());
        (await ReadUntilAsync(peer, "5")).ShouldContain("200 OK");
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HTTP2_over_TLS_with_many_streams_and_large_bodies(Kind kind)
    {
        await using var server = await Server.StartAsync(
            kind, Bodies, l => l.UseHttps(TestCertificate.Instance), k => k.Limits.MaxRequestBodySize = null);
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = TestCertificate.IsKnown } };
        using var client = Http2Client(handler, $"https://localhost:{server.Port}");
        await ExerciseHttp2Async(client);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HTTP2_in_clear_text_with_many_streams_and_large_bodies(Kind kind)
    {
        await using var server = await Server.StartAsync(
            kind, Bodies, l => l.Protocols = HttpProtocols.Http2, k => k.Limits.MaxRequestBodySize = null);
        using var handler = new SocketsHttpHandler();
        using var client = Http2Client(handler, $"http://127.0.0.1:{server.Port}");
        await ExerciseHttp2Async(client);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HTTP1_over_TLS(Kind kind)
    {
        await using var server = await Server.StartAsync(
            kind, Bodies, l => l.UseHttps(TestCertificate.Instance), k => k.Limits.MaxRequestBodySize = null);
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = TestCertificate.IsKnown } };
        using var client = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{server.Port}") };
        await EchoAsync(client, HttpVersion.Version11);
        await DownloadAsync(client);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_client_that_vanishes_aborts_its_request(Kind kind)
    {
        var begun = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var server = await Server.StartAsync(kind, app => app.Run(async c =>
        {
            begun.SetResult();
            await c.RequestAborted.WhenCanceled();
            aborted.SetResult();
        }));
        using var peer = await ConnectAsync(server);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        await begun.Task.Guarded();
        peer.LingerState = new LingerOption(enable: true, seconds: 0);
        peer.Close();
        await aborted.Task.Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stopping_the_server_closes_idle_connections_and_lets_requests_finish(Kind kind)
    {
        var begun = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var server = await Server.StartAsync(kind, app => app.Run(async c =>
        {
            begun.TrySetResult();
            await go.Task;
            await c.Response.WriteAsync("done");
        }));
        using var idle = await ConnectAsync(server);
        using var busy = await ConnectAsync(server);
        await busy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        await begun.Task.Guarded();
        var stop = server.App.StopAsync();
        (await idle.ReceiveAsync(new byte[1]).Guarded()).ShouldBe(0);
        go.SetResult();
        (await ReadUntilAsync(busy, "done")).ShouldContain("Connection: close");
        (await busy.ReceiveAsync(new byte[1]).Guarded()).ShouldBe(0);
        await stop.Guarded();
        await server.DisposeAsync();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task The_transport_is_really_under_the_application(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, app => app.Run(c
            => c.Response.WriteAsync(c.Features.Get<IContinuationSchedulingFeature>() is { } feature ? feature.Scheduling.ToString() : "none")));
        using var client = new HttpClient();
        (await client.GetStringAsync($"http://127.0.0.1:{server.Port}")).ShouldBe(kind.ToString());
    }

    [Fact]
    public async Task An_endpoint_that_it_cannot_bind_goes_to_the_default_transport()
    {
        using var listening = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseEpollTransport();
        builder.WebHost.ConfigureKestrel(k => k.ListenHandle((ulong)listening.SafeHandle.DangerousGetHandle()));
        await using var app = builder.Build();
        app.Run(c => c.Response.WriteAsync(c.Features.Get<IContinuationSchedulingFeature>() is null ? "default" : "epoll"));
        await app.StartAsync();
        using var client = new HttpClient();
        (await client.GetStringAsync($"http://[::1]:{((IPEndPoint)listening.LocalEndPoint!).Port}")).ShouldBe("default");
        await app.StopAsync().Guarded();
    }

    private static void Bodies(WebApplication app)
    {
        app.MapPost("/upload", async (HttpContext c) =>
        {
            long at = 0;
            var patterned = c.Request.Headers.ContainsKey("X-Pattern");
            while (true)
            {
                var result = await c.Request.BodyReader.ReadAsync();
                foreach (var piece in result.Buffer)
                {
                    if (patterned) Bytes.Check(piece.Span, at);
                    at += piece.Length;
                }
                c.Request.BodyReader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted) break;
            }
            await c.Response.WriteAsync(at.ToString(CultureInfo.InvariantCulture));
        });
        app.MapGet("/download", async (HttpContext c) =>
        {
            for (var at = 0; at < Large; at += 65536) await c.Response.Body.WriteAsync(Bytes.Pattern(65536, at));
        });
        app.MapPost("/echo", (HttpContext c) => c.Request.Body.CopyToAsync(c.Response.Body));
    }

    private static async Task ExerciseHttp2Async(HttpClient client)
    {
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => EchoAsync(client, HttpVersion.Version20, 1000 + i)));
        await UploadAsync(client, chunked: false);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => DownloadAsync(client)));
    }

    private static async Task UploadAsync(HttpClient client, bool chunked)
    {
        using var content = new ByteArrayContent(Bytes.Pattern(Large));
        if (chunked) content.Headers.ContentLength = null;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/upload")
        {
            Content = content,
            Version = client.DefaultRequestVersion,
            VersionPolicy = client.DefaultVersionPolicy,
        };
        request.Headers.Add("X-Pattern", "1");
        request.Headers.TransferEncodingChunked = chunked && client.DefaultRequestVersion == HttpVersion.Version11;
        using var response = await client.SendAsync(request).Guarded();
        (await response.Content.ReadAsStringAsync()).ShouldBe(Large.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task DownloadAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/download", HttpCompletionOption.ResponseHeadersRead).Guarded();
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[100_000];
        long at = 0;
        while (await body.ReadAsync(buffer).Guarded() is var count and > 0)
        {
            Bytes.Check(buffer.AsSpan(0, count), at);
            at += count;
        }
        at.ShouldBe(Large);
    }

    private static async Task EchoAsync(HttpClient client, Version version, int size = 1_000_000)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo") { Content = new ByteArrayContent(Bytes.Pattern(size)) };
        request.Version = client.DefaultRequestVersion;
        request.VersionPolicy = client.DefaultVersionPolicy;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var response = await client.SendAsync(request).Guarded();
        response.Version.ShouldBe(version);
        (await response.Content.ReadAsByteArrayAsync().Guarded()).SequenceEqual(Bytes.Pattern(size)).ShouldBeTrue();
    }

    private static HttpClient Http2Client(SocketsHttpHandler handler, string address) => new(handler)
    {
        BaseAddress = new Uri(address),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static async Task<Socket> ConnectAsync(Server server)
    {
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(IPAddress.Loopback, server.Port);
        return peer;
    }

    private static async Task<string> ReadUntilAsync(Socket peer, string end)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains(end, StringComparison.Ordinal))
        {
            var count = await peer.ReceiveAsync(buffer).Guarded();
            if (count == 0) throw new EndOfStreamException($"ended after: {text}");
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        return text.ToString();
    }
}
