using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.Client.Tests;

/// <summary>ASP.NET Core's own WebSockets, plain and over TLS: a peer that shares no code with ours.</summary>
public sealed class KestrelServer : IAsyncLifetime
{
    private readonly WebApplication _app;

    public KestrelServer()
    {
        Certificate = CreateCertificate();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(Certificate));
        });
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Map("/echo", EchoAsync);
        _app.Map("/split", SplitAsync);
        _app.MapGet("/login", (HttpContext context) => context.Response.Cookies.Append("session", "42"));
        _app.MapGet("/refuse", () => Results.Json(new { why = "no" }, statusCode: 418));
    }

    public X509Certificate2 Certificate { get; }

    public string Url { get; private set; } = "";

    public string SecureUrl { get; private set; } = "";

    /// <summary>A client's handler that trusts this server's certificate and no other.</summary>
    public SocketsHttpHandler CreateTrustingHandler()
    {
        var handler = WebSocketClient.CreateHandler();
        handler.SslOptions.RemoteCertificateValidationCallback =
            (_, certificate, _, _) => certificate!.GetCertHashString() == Certificate.GetCertHashString();
        return handler;
    }

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync();
        var addresses = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Url = addresses.Single(a => a.StartsWith("http:", StringComparison.Ordinal)).Replace("http:", "ws:", StringComparison.Ordinal);
        SecureUrl = addresses.Single(a => a.StartsWith("https:", StringComparison.Ordinal)).Replace("https:", "wss:", StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Certificate.Dispose();
    }

    // Every message back as it came; a text that begins with "close" closes, "cookie" and "header" tell what the client sent.
    private static async Task EchoAsync(HttpContext context)
    {
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

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
