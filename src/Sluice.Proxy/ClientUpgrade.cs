using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sluice.Handshake;

namespace Sluice.Proxy;

/// <summary>
/// A client that asks for a WebSocket: by an upgrade (HTTP/1.1, RFC 6455 §4), or by an extended CONNECT (HTTP/2,
/// RFC 8441), which browsers use on their own where a server offers it.
/// </summary>
internal sealed class ClientUpgrade
{
    private readonly HttpContext _context;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;

    private ClientUpgrade(HttpContext context, IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect)
    {
        _context = context;
        _upgrade = upgrade;
        _connect = connect;
        Key = connect is null ? context.Request.Headers.SecWebSocketKey.ToString() : HandshakeKey.Create();
    }

    /// <summary>The key that the backend's accept value must answer: the client's as it came, or, as HTTP/2 has none, ours.</summary>
    public string Key { get; }

    /// <summary>Whether the handshake carries no key of its own.</summary>
    public bool IsExtendedConnect => _connect is not null;

    /// <summary>The request's wish for a WebSocket, or <see langword="null"/>; any other protocol to upgrade to is passed over, as RFC 9110 §7.8 allows.</summary>
    public static ClientUpgrade? Find(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            return "websocket".Equals(connect.Protocol, StringComparison.OrdinalIgnoreCase) ? new(context, null, connect) : null;
        }

        // The transport feature below is the shared connection on HTTP/2 and 3: never there.
        return HttpMethods.IsGet(context.Request.Method)
            && HttpProtocol.IsHttp11(context.Request.Protocol)
            && HeaderTokens.Contains(context.Request.Headers.Upgrade, "websocket")
            && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
                ? new(context, upgrade, null)
                : null;
    }

    /// <summary>Sends the 101 (200 on HTTP/2) with the response's header fields, and hands over the bytes behind it: those that the client has sent already, too.</summary>
    /// <exception cref="InvalidOperationException">The server's limit of upgraded connections is reached; nothing was sent.</exception>
    public async Task<IDuplexPipe> AcceptAsync()
    {
        if (_connect is not null) return new StreamPipe(await _connect.AcceptAsync().ConfigureAwait(false));

        _context.Response.Headers.Upgrade = "websocket"; // the server adds Connection
        var stream = await _upgrade!.UpgradeAsync().ConfigureAwait(false);
        if (_context.Features.Get<IConnectionSocketFeature>()?.Socket is { ProtocolType: ProtocolType.Tcp } socket) Backend.FindDeadPeers(socket);
        return _context.Features.Get<IConnectionTransportFeature>()?.Transport ?? new StreamPipe(stream);
    }

    /// <summary>Where a server has only a stream to offer: pipes that hold no buffer while idle.</summary>
    private sealed class StreamPipe(Stream stream) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(useZeroByteReads: true, leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
    }
}
