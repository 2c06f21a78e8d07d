using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Compression;

namespace Sluice.Client.Tests;

/// <summary>ASP.NET Core's own WebSockets, plain and over TLS: a peer that shares no code with ours; and our own endpoint at /sluice.</summary>
public sealed class KestrelServer : IAsyncLifetime
{
    private readonly WebApplication _app;

    public KestrelServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(TestCertificate.Instance));
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(TestCertificate.Instance);
            });
        });
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Map("/echo", EchoAsync);
        _app.Map("/split", SplitAsync);
        _app.Map("/abort", AbortAsync);
        _app.Map("/slow", SlowAsync);
        _app.MapWebSocket("/sluice", OwnAsync);
        _app.MapWebSocket("/deflate", OwnAsync, new WebSocketEndpointOptions { Compression = CompressionOptions.Default });
        _app.MapGet("/login", (HttpContext context) => context.Response.Cookies.Append("session", "42"));
        _app.Map("/redirect", () => Results.Redirect("/echo"));
        _app.Map("/refuse-connect", () => Results.Json(new { why = "no" }, statusCode: 418));
        _app.MapGet("/refuse", () => Results.Json(new { why = "no" }, statusCode: 418));
    }

    public string Url { get; private set; } = "";

    public string SecureUrl { get; private set; } = "";

    /// <summary>In clear text, HTTP/2 alone.</summary>
    public string Http2Url { get; private set; } = "";

    /// <summary>Over TLS, HTTP/1.1 alone.</summary>
    public string SecureHttp1Url { get; private set; } = "";

    /// <summary>The TCP connection that each request of <c>/echo</c> and <c>/sluice</c> came by.</summary>
    public ConcurrentQueue<string> Connections { get; } = new();

    /// <summary>How the last request of <c>/abort</c> ended for the server.</summary>
    public TaskCompletionSource<Exception> Aborted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Set for <c>/slow</c> to begin to read.</summary>
    public TaskCompletionSource MayRead { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SslClientAuthenticationOptions Trust => new()
    {
        RemoteCertificateValidationCallback = TestCertificate.IsKnown,
    };

    /// <summary>A client's handler that trusts this server's certificate and no other.</summary>
    public SocketsHttpHandler CreateTrustingHandler()
    {
        var handler = WebSocketClient.CreateHandler();
        handler.SslOptions = Trust;
        return handler;
    }

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync();
        var addresses = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        // In the order in which they are listened to.
        string[] urls = [.. addresses.Select(address => address.Replace("http", "ws", StringComparison.Ordinal))];
        (Url, Http2Url, SecureUrl, SecureHttp1Url) = (urls[0], urls[1], urls[2], urls[3]);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // Every message back as it came; a text that begins with "close" closes, "cookie" and "header" tell what the client sent.
    private async Task EchoAsync(HttpContext context)
    {
        Connections.Enqueue(context.Connection.Id);
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        using var socket = await context.WebSockets.AcceptWebSocketAsync(offered.Count > 0 ? offered[^1] : null);
        var buffer = new byte[2 * 1024 * 1024];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), context.RequestAborted);
                length += part.Count;
            }
            while (!part.EndOfMessage && part.MessageType != WebSocketMessageType.Close);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, "echo: " + socket.CloseStatusDescription, default);
                return;
            }
            var reply = buffer.AsMemory(0, length);
            switch (part.MessageType == WebSocketMessageType.Text ? System.Text.Encoding.UTF8.GetString(reply.Span) : "")
            {
                case "close":
                    await socket.CloseAsync((WebSocketCloseStatus)4001, "as you wish", default);
                    return;
                case "cookie":
                    reply = RawPeer.Bytes(context.Request.Headers.Cookie.ToString());
                    break;
                case "protocol":
                    reply = RawPeer.Bytes(context.Request.Protocol + " " + context.Request.Scheme);
                    break;
            }
            await socket.SendAsync(reply, part.MessageType, true, context.RequestAborted);
        }
    }

    // The same with our own endpoint; "abort" aborts.
    private async Task OwnAsync(HttpContext context, WebSocketConnection connection)
    {
        Connections.Enqueue(context.Connection.Id);
        await foreach (var message in connection.ReadAllAsync())
        {
            switch (message.IsText ? message.Text : "")
            {
                case "abort":
                    connection.Abort();
                    break;
                case "close":
                    await connection.CloseAsync((CloseCode)4001, "as you wish");
                    break;
                case "protocol":
                    await connection.SendAsync(RawPeer.Bytes(context.Request.Protocol + " " + context.Request.Scheme));
                    break;
                default:
                    await connection.SendAsync(message);
                    break;
            }
        }
    }

    // Tells how the server sees a client that aborts.
    private async Task AbortAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        try
        {
            await socket.ReceiveAsync(new byte[100], default);
            Aborted.TrySetException(new InvalidOperationException("something came"));
        }
        catch (WebSocketException e)
        {
            Aborted.TrySetResult(e);
        }
    }

    // Reads nothing until told to; then tells how much it was.
    private async Task SlowAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await socket.SendAsync(RawPeer.Bytes("ready"), WebSocketMessageType.Binary, true, default);
        await MayRead.Task;
        var buffer = new byte[64 * 1024];
        long total = 0;
        ValueWebSocketReceiveResult part;
        while ((part = await socket.ReceiveAsync(buffer.AsMemory(), default)).MessageType != WebSocketMessageType.Close) total += part.Count;
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, total.ToString(CultureInfo.InvariantCulture), default);
    }

    // One message in 64 fragments.
    private static async Task SplitAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var part = new byte[1000];
        for (var i = 0; i < 64; i++)
        {
            Array.Fill(part, (byte)i);
            await socket.SendAsync(part, WebSocketMessageType.Binary, i == 63, default);
        }
        await socket.ReceiveAsync(part, default);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }
}
