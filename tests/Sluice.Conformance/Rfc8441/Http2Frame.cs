using System.Buffers.Binary;
using System.Text;

namespace Sluice.Conformance.Rfc8441;

/// <summary>A frame of HTTP/2 as it came.</summary>
internal sealed record Http2Frame(int Type, int Flags, int Stream, byte[] Payload)
{
    // RFC 7541, appendix A: the entries that a response may name by their number.
    private static readonly string[] Statuses = ["200", "204", "206", "304", "400", "404", "500"];
    private static readonly Dictionary<int, string> Names = new() { [22] = "allow", [28] = "content-length", [31] = "content-type", [33] = "date" };

    public bool EndsStream => Type is 0 or 1 && (Flags & 1) != 0;

    /// <summary>The error code of a RST_STREAM or GOAWAY.</summary>
    public uint Error => BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(Type == 7 ? 4 : 0));

    /// <summary>The value of a response field; null when there is none. Only what is sent as a literal, or is a status.</summary>
    public string? Field(string name) => Fields().Where(field => field.Name == name).Select(field => field.Value).SingleOrDefault();

    public override string ToString() => Type switch
    {
        1 => $"HEADERS {string.Join(", ", Fields())}",
        3 => $"RST_STREAM {Error}",
        7 => $"GOAWAY {Error} {Encoding.ASCII.GetString(Payload.AsSpan(8))}",
        _ => $"type {Type} flags {Flags} of {Payload.Length}: {Convert.ToHexString(Payload.AsSpan(0, Math.Min(32, Payload.Length)))}",
    };

    private List<(string Name, string Value)> Fields()
    {
        var fields = new List<(string, string)>();
        var at = 0;
        while (at < Payload.Length)
        {
            var first = Payload[at];
            if (first >= 0x80)
            {
                var index = Number(7, ref at);
                fields.Add((":status", index is >= 8 and <= 14 ? Statuses[index - 8] : $"entry {index}"));
            }
            else if ((first & 0xe0) == 0x20)
            {
                Number(5, ref at); // the size of the table
            }
            else
            {
                var index = Number(first >= 0x40 ? 6 : 4, ref at);
                var name = index == 0 ? Text(ref at) : index is >= 8 and <= 14 ? ":status" : Names.GetValueOrDefault(index, $"entry {index}");
                fields.Add((name, Text(ref at)));
            }
        }
        return fields;
    }

    private int Number(int bits, ref int at)
    {
        var limit = (1 << bits) - 1;
        var value = Payload[at++] & limit;
        if (value < limit) return value;
        for (var shift = 0; ; shift += 7)
        {
            var next = Payload[at++];
            value += (next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }

    private string Text(ref int at)
    {
        (Payload[at] & 0x80).ShouldBe(0, "Kestrel does not use Huffman's code");
        var length = Number(7, ref at);
        at += length;
        return Encoding.ASCII.GetString(Payload.AsSpan(at - length, length));
    }
}
