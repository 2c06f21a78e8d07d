using System.Net;
using System.Net.Security;

namespace Sluice.Client.Tests;

/// <summary>How the tests of HTTP/2 call a server, or stand in for one.</summary>
internal static class Http2Calls
{
    // In clear text there is no ALPN to choose by.
    public static HttpVersionPolicy Exact(bool secure)
        => secure ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact;

    public static WebSocketClientOptions Http2Options(
        this KestrelServer server, HttpVersionPolicy policy = HttpVersionPolicy.RequestVersionOrLower, SocketsHttpHandler? handler = null) => new()
        {
            HttpVersion = HttpVersion.Version20,
            HttpVersionPolicy = policy,
            Handler = handler,
            Tls = handler is null ? server.Trust : null,
        };

    public static SocketsHttpHandler CreateSharedHandler(this KestrelServer server)
    {
        var handler = server.CreateTrustingHandler();
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
        return handler;
    }

    public static Task<WebSocketConnection> ConnectHttp2Async(this KestrelServer server, string path, bool secure)
        => WebSocketClient.ConnectAsync((secure ? server.SecureUrl : server.Http2Url) + path, server.Http2Options(Exact(secure))).Guarding();

    public static async Task<SslStream> AcceptTlsAsync(this RawPeer peer, params SslApplicationProtocol[] protocols)
    {
        var tls = new SslStream(peer.Stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = TestCertificate.Instance,
            ApplicationProtocols = protocols.Length == 0 ? null : [.. protocols],
        }).Guarding();
        return tls;
    }
}
