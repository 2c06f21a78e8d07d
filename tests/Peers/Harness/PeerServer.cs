namespace Sluice.Peers;

/// <summary>A running server of a peer. Disposing it ends the process, without closing handshakes.</summary>
public sealed class PeerServer : IAsyncDisposable
{
    internal PeerServer(ProcessUnderTest process, int port)
    {
        Process = process;
        Port = port;
    }

    /// <summary>The process, for its output and signals.</summary>
    public ProcessUnderTest Process { get; }

    /// <summary>Its port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The <c>ws:</c> URL of <paramref name="pathAndQuery"/>, such as <c>/close?code=4001</c>.</summary>
    public Uri WebSocketUrl(string pathAndQuery) => new($"ws://127.0.0.1:{Port}{pathAndQuery}");

    /// <summary>The <c>http:</c> URL of <paramref name="pathAndQuery"/>.</summary>
    public Uri HttpUrl(string pathAndQuery) => new($"http://127.0.0.1:{Port}{pathAndQuery}");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
