using System.Buffers.Binary;

namespace Sluice.Client.Tests;

/// <summary>A server's end of an HTTP/2 connection in clear text, frame by frame (RFC 9113 §4.1).</summary>
internal sealed class RawHttp2Peer(RawPeer peer) : IDisposable
{
    public const byte Data = 0x0;
    public const byte Headers = 0x1;
    public const byte ResetStream = 0x3;
    public const byte SettingsFrame = 0x4;

    public const byte EndStream = 0x1;
    public const byte Acknowledges = 0x1;
    public const byte EndHeaders = 0x4;

    /// <summary>SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 (RFC 8441 §3).</summary>
    private static readonly byte[] EnablesConnect = [0, 8, 0, 0, 0, 1];

    /// <summary>Does all up to an open WebSocket in stream 1.</summary>
    public async Task OpenAsync()
    {
        await peer.Stream.ReadExactlyAsync(new byte[24]).Guarding(); // the preface
        await SendAsync(SettingsFrame, 0, 0, EnablesConnect);
        await SendAsync(SettingsFrame, Acknowledges, 0, []);
        (await ReadAsync(Headers)).Stream.ShouldBe(1);
        await SendAsync(Headers, EndHeaders, 1, [0x88]); // :status 200 (RFC 7541, appendix A)
    }

    public Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var head = new byte[9];
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(), payload.Length << 8 | type);
        head[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(5), stream);
        return peer.SendAsync([.. head, .. payload]);
    }

    /// <summary>The next frame of this type; those of others are passed over.</summary>
    public async Task<(int Stream, byte Flags, byte[] Payload)> ReadAsync(byte type)
    {
        while (true)
        {
            var head = new byte[9];
            await peer.Stream.ReadExactlyAsync(head).Guarding();
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
            await peer.Stream.ReadExactlyAsync(payload).Guarding();
            if (head[3] == type) return (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), head[4], payload);
        }
    }

    public Task ReadToEndAsync() => peer.ReadToEndAsync();

    public void Dispose() => peer.Dispose();
}
