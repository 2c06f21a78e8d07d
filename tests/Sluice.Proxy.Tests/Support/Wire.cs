using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Proxy.Tests.Support;

/// <summary>A TCP connection seen byte by byte; text is Latin-1, so that a character is a byte. Every wait is guarded.</summary>
internal sealed class Wire(Socket socket) : IDisposable
{
    private readonly List<byte> _read = [];

    public Socket Socket => socket;

    public static async Task<Wire> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new(socket);
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes).AsTask().Guarded()..];
    }

    /// <summary>The next message head, up to and with its empty line.</summary>
    public async Task<Head> ReadHeadAsync() => new(await ReadToAsync("\r\n\r\n"));

    /// <summary>Everything up to and with the mark.</summary>
    public async Task<string> ReadToAsync(string mark)
    {
        while (true)
        {
            var text = Encoding.Latin1.GetString([.. _read]);
            var at = text.IndexOf(mark, StringComparison.Ordinal);
            if (at >= 0) return Take(at + mark.Length);
            if (await FillAsync() == 0) throw new EndOfStreamException($"ended before '{mark}', after: {text}");
        }
    }

    public async Task<string> ReadAsync(int count)
    {
        while (_read.Count < count)
        {
            if (await FillAsync() == 0) throw new EndOfStreamException($"ended after {_read.Count} of {count} bytes");
        }

        return Take(count);
    }

    /// <summary>What is left until the peer ends its side; fails on a reset.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await FillAsync() > 0)
        {
        }

        return Take(_read.Count);
    }

    /// <summary>Reads on until the connection is no more, by its end or by a reset: true for a reset.</summary>
    public async Task<bool> IsResetAsync()
    {
        try
        {
            await ReadToEndAsync();
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
        {
            return true;
        }
    }

    /// <summary>Waits until the peer has closed for good, not just its sending side: bytes sent to it come back as a reset.</summary>
    public Task IsGoneAsync() => Task.Run(() =>
    {
        socket.Blocking = true;
        try
        {
            while (true)
            {
                socket.Send("x"u8);
                Thread.Yield();
            }
        }
        catch (SocketException e)
        {
            e.SocketErrorCode.ShouldBeOneOf(SocketError.ConnectionReset, SocketError.Shutdown);
        }
    }).Guarded();

    public void EndSending() => socket.Shutdown(SocketShutdown.Send);

    public void Reset() => socket.Close(timeout: 0);

    public void Dispose() => socket.Dispose();

    private async Task<int> FillAsync()
    {
        var buffer = new byte[64 * 1024];
        var read = await socket.ReceiveAsync(buffer.AsMemory()).AsTask().Guarded();
        _read.AddRange(buffer.AsSpan(0, read));
        return read;
    }

    private string Take(int count)
    {
        var text = Encoding.Latin1.GetString([.. _read[..count]]);
        _read.RemoveRange(0, count);
        return text;
    }
}

/// <summary>The start line and fields of a message.</summary>
internal sealed class Head
{
    public Head(string text)
    {
        Text = text;
        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Start = lines[0];
        Fields = lines[1..].Select(l => l.Split(':', 2)).ToLookup(p => p[0], p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
    }

    public string Text { get; }

    public string Start { get; }

    public ILookup<string, string> Fields { get; }

    /// <summary>The field's lines joined by a bar; null when there is none.</summary>
    public string? this[string name] => Fields.Contains(name) ? string.Join('|', Fields[name]) : null;
}

internal static class Guard
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task<T> Guarded<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task Guarded(this Task task) => task.WaitAsync(Patience);
}
