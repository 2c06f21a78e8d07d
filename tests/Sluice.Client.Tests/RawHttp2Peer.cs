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
    /// <returns>The fields of the request, in their order.</returns>
    public async Task<IReadOnlyList<(string Name, string Value)>> OpenAsync()
    {
        await peer.Stream.ReadExactlyAsync(new byte[24]).Guarding(); // the preface
        await SendAsync(SettingsFrame, 0, 0, EnablesConnect);
        await SendAsync(SettingsFrame, Acknowledges, 0, []);
        var request = await ReadAsync(Headers);
        request.Stream.ShouldBe(1);
        await SendAsync(Headers, EndHeaders, 1, [0x88]); // :status 200 (RFC 7541, appendix A)
        return Fields(request.Payload);
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

    // HPACK as far as .NET's client uses it (RFC 7541 §6): entries of the static table, and literals without Huffman's code.
    private static List<(string Name, string Value)> Fields(byte[] block)
    {
        var entries = new Dictionary<int, (string, string)>
        {
            [1] = (":authority", ""),
            [2] = (":method", "GET"),
            [3] = (":method", "POST"),
            [4] = (":path", "/"),
            [6] = (":scheme", "http"),
            [7] = (":scheme", "https"),
        };
        var fields = new List<(string, string)>();
        for (var at = 0; at < block.Length;)
        {
            var first = block[at];
            if (first >= 0x80)
            {
                fields.Add(Entry(Number(7, ref at)));
                continue;
            }
            if ((first & 0xe0) == 0x20)
            {
                Number(5, ref at); // the size of the table
                continue;
            }
            var index = Number(first >= 0x40 ? 6 : 4, ref at);
            var name = index == 0 ? Text(ref at) : Entry(index).Name;
            fields.Add((name, Text(ref at)));
        }
        return fields;

        (string Name, string Value) Entry(int index) => entries.TryGetValue(index, out var entry) ? entry : ($"entry {index}", "");

        int Number(int bits, ref int at)
        {
            var limit = (1 << bits) - 1;
            var value = block[at++] & limit;
            if (value < limit) return value;
            for (var shift = 0; ; shift += 7)
            {
                value += (block[at] & 0x7f) << shift;
                if (block[at++] < 0x80) return value;
            }
        }

        string Text(ref int at)
        {
            (block[at] & 0x80).ShouldBe(0, "Huffman's code");
            var length = Number(7, ref at);
            at += length;
            return System.Text.Encoding.ASCII.GetString(block.AsSpan(at - length, length));
        }
    }
}
