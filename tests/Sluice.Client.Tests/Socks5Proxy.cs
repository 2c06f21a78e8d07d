using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Client.Tests;

/// <summary>A small SOCKS5 proxy (RFC 1928), with user name and password (RFC 1929) when it has some.</summary>
internal sealed class Socks5Proxy(string? user = null, string? password = null) : IDisposable
{
    private const byte NoAuthentication = 0;
    private const byte UserAndPassword = 2;
    private const byte NoneAcceptable = 0xFF;

    private readonly TcpListener _listener = Listen();

    public Uri Url => new($"socks5://{_listener.LocalEndpoint}");

    /// <summary>Serves one client to its end.</summary>
    /// <param name="reply">What is said to its CONNECT; 0 is success.</param>
    /// <returns>Where it wanted to go; <see langword="null"/> when its credentials were not right.</returns>
    public async Task<string?> ServeAsync(byte reply = 0)
    {
        using var client = await _listener.AcceptTcpClientAsync().Guarding();
        var stream = client.GetStream();
        var methods = await ReadAsync(stream, (await ReadAsync(stream, 2))[1]);
        if (!await AuthenticateAsync(stream, methods)) return null;
        var target = await ReadTargetAsync(stream);
        await stream.WriteAsync((byte[])[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
        if (reply != 0) return target;
        using var backend = new TcpClient();
        var colon = target.LastIndexOf(':');
        await backend.ConnectAsync(target[..colon], int.Parse(target[(colon + 1)..], CultureInfo.InvariantCulture));
        await Tunnel.RunAsync(stream, backend.GetStream());
        return target;
    }

    public void Dispose() => _listener.Dispose();

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private async Task<bool> AuthenticateAsync(NetworkStream stream, byte[] methods)
    {
        var method = user is null ? NoAuthentication : UserAndPassword;
        if (!methods.Contains(method))
        {
            await stream.WriteAsync((byte[])[5, NoneAcceptable]);
            return false;
        }
        await stream.WriteAsync((byte[])[5, method]);
        if (method == NoAuthentication) return true;
        var given = Encoding.UTF8.GetString(await ReadAsync(stream, (await ReadAsync(stream, 2))[1]));
        var secret = Encoding.UTF8.GetString(await ReadAsync(stream, (await ReadAsync(stream, 1))[0]));
        var isRight = given == user && secret == password;
        await stream.WriteAsync((byte[])[1, (byte)(isRight ? 0 : 1)]);
        return isRight;
    }

    private static async Task<string> ReadTargetAsync(NetworkStream stream)
    {
        var head = await ReadAsync(stream, 4);
        head[..3].ShouldBe([5, 1, 0], "CONNECT");
        var host = head[3] switch
        {
            1 => new IPAddress(await ReadAsync(stream, 4)).ToString(),
            3 => Encoding.ASCII.GetString(await ReadAsync(stream, (await ReadAsync(stream, 1))[0])),
            _ => new IPAddress(await ReadAsync(stream, 16)).ToString(),
        };
        var port = await ReadAsync(stream, 2);
        return $"{host}:{port[0] << 8 | port[1]}";
    }

    private static async Task<byte[]> ReadAsync(NetworkStream stream, int length)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes).Guarding();
        return bytes;
    }
}
