using System.Buffers;
using System.Text;

namespace Sluice.Handshake;

/// <summary>
/// The head of an HTTP/1.1 request, read where it lies: for those who open WebSockets on connections of their own, without an
/// HTTP server (RFC 9112 §2 to §5). Takes the plain form that clients send and nothing else: a lenient reader in front of a
/// strict server is a way to smuggle. Reads each byte once, and keeps the bytes that it was given.
/// </summary>
public readonly ref struct RequestHead
{
    /// <summary>The most header fields that are taken: 100.</summary>
    public const int MaxFields = 100;

    private const byte Space = (byte)' ';

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    // VCHAR, and in values SP and HTAB: ASCII that can be seen. Bytes above 127 are for a full HTTP server to judge.
    private static readonly SearchValues<byte> TargetBytes = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7f - 0x21).Select(i => (byte)i)]);

    private static readonly SearchValues<byte> ValueBytes = SearchValues.Create(
        [(byte)'\t', .. Enumerable.Range(0x20, 0x7f - 0x20).Select(i => (byte)i)]);

    private readonly ReadOnlySpan<byte> _fields; // lines with their ends, without the empty one

    private RequestHead(ReadOnlySpan<byte> method, ReadOnlySpan<byte> target, ReadOnlySpan<byte> fields, int length)
    {
        Method = method;
        Target = target;
        _fields = fields;
        Length = length;
    }

    /// <summary>What a read came to.</summary>
    public enum Status
    {
        /// <summary>The bytes end before the head does.</summary>
        Incomplete,

        /// <summary>The head is read.</summary>
        Complete,

        /// <summary>Not HTTP/1.1, malformed, or of a form that is left to a full HTTP server.</summary>
        Unfit,
    }

    /// <summary>The method, as <c>GET</c>.</summary>
    public ReadOnlySpan<byte> Method { get; }

    /// <summary>The request target as it came, as <c>/chat?room=1</c>; ASCII without white space.</summary>
    public ReadOnlySpan<byte> Target { get; }

    /// <summary>How many bytes the head takes, its empty line included; what follows belongs to the WebSocket.</summary>
    public int Length { get; }

    /// <summary>The header fields in order.</summary>
    public FieldEnumerator GetEnumerator() => new(_fields);

    /// <summary>Reads a head that the bytes begin with. Linear; allocates nothing.</summary>
    /// <param name="bytes">What has come of the request, from its first byte. The head refers to them.</param>
    /// <param name="head">The head, when the status is <see cref="Status.Complete"/>.</param>
    public static Status TryRead(ReadOnlySpan<byte> bytes, out RequestHead head)
    {
        head = default;
        var end = LineEnd(bytes, out var malformed);
        if (end < 0) return malformed ? Status.Unfit : Status.Incomplete;
        var line = bytes[..end];
        var method = line.IndexOf(Space);
        if (method <= 0 || line[..method].ContainsAnyExcept(TokenBytes)) return Status.Unfit;
        var rest = line[(method + 1)..];
        var target = rest.IndexOf(Space);
        if (target <= 0 || rest[..target].ContainsAnyExcept(TargetBytes) || !rest[(target + 1)..].SequenceEqual("HTTP/1.1"u8)) return Status.Unfit;

        var start = end + 2;
        var at = start;
        for (var count = 0; ; count++)
        {
            end = LineEnd(bytes[at..], out malformed);
            if (end < 0) return malformed ? Status.Unfit : Status.Incomplete;
            if (end == 0) break;
            if (count == MaxFields || !IsField(bytes.Slice(at, end))) return Status.Unfit;
            at += end + 2;
        }
        head = new RequestHead(line[..method], rest[..target], bytes[start..at], at + 2);
        return Status.Complete;
    }

    /// <summary>What the opening handshake needs of the request, to be judged by <see cref="ServerHandshake"/>.</summary>
    /// <param name="scheme"><c>http</c> or <c>https</c>: how the connection came.</param>
    /// <param name="hasBody">Whether a field announces a body, or asks before sending one; such a request opens no WebSocket.</param>
    public HandshakeRequest ToHandshakeRequest(string scheme, out bool hasBody)
    {
        string? host = null, upgrade = null, connection = null, key = null, version = null, subprotocols = null, extensions = null, origin = null;
        hasBody = false;
        foreach (var field in this)
        {
            // The length tells most names apart.
            switch (field.Name.Length)
            {
                case 4 when field.Is("Host"u8): Add(ref host, field.Value); break;
                case 6 when field.Is("Origin"u8): Add(ref origin, field.Value); break;
                case 6 when field.Is("Expect"u8): hasBody = true; break;
                case 7 when field.Is("Upgrade"u8): Add(ref upgrade, field.Value); break;
                case 10 when field.Is("Connection"u8): Add(ref connection, field.Value); break;
                case 14 when field.Is("Content-Length"u8): hasBody = true; break;
                case 17 when field.Is("Transfer-Encoding"u8): hasBody = true; break;
                case 17 when field.Is("Sec-WebSocket-Key"u8): Add(ref key, field.Value); break;
                case 21 when field.Is("Sec-WebSocket-Version"u8): Add(ref version, field.Value); break;
                case 22 when field.Is("Sec-WebSocket-Protocol"u8): Add(ref subprotocols, field.Value); break;
                case 24 when field.Is("Sec-WebSocket-Extensions"u8): Add(ref extensions, field.Value); break;
            }
        }
        return new HandshakeRequest
        {
            Method = Method.SequenceEqual("GET"u8) ? "GET" : Encoding.ASCII.GetString(Method),
            HttpVersion = "HTTP/1.1",
            Scheme = scheme,
            Host = host,
            Upgrade = upgrade,
            Connection = connection,
            Key = key,
            Version = version,
            Subprotocols = subprotocols,
            Extensions = extensions,
            Origin = origin,
        };
    }

    // RFC 9110 §5.3: several lines of one name are one list.
    private static void Add(ref string? all, ReadOnlySpan<byte> value) => all = all is null ? Text(value) : $"{all}, {Text(value)}";

    // Nearly every client sends one of these.
    private static string Text(ReadOnlySpan<byte> value) => value.Length switch
    {
        2 when value.SequenceEqual("13"u8) => "13",
        7 when value.SequenceEqual("Upgrade"u8) => "Upgrade",
        9 when value.SequenceEqual("websocket"u8) => "websocket",
        _ => Encoding.ASCII.GetString(value),
    };

    // Up to the CRLF. A bare LF is malformed here, though RFC 9112 §2.2 lets a recipient take it.
    private static int LineEnd(ReadOnlySpan<byte> bytes, out bool malformed)
    {
        var feed = bytes.IndexOf((byte)'\n');
        malformed = feed == 0 || (feed > 0 && bytes[feed - 1] != '\r');
        return feed < 0 || malformed ? -1 : feed - 1;
    }

    // No white space before the colon (RFC 9112 §5.1), no continuation lines (§5.2).
    private static bool IsField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        return colon > 0 && !line[..colon].ContainsAnyExcept(TokenBytes) && !line[(colon + 1)..].ContainsAnyExcept(ValueBytes);
    }

    /// <summary>A header field.</summary>
    public readonly ref struct Field
    {
        internal Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            Name = name;
            Value = value;
        }

        /// <summary>The name as it came.</summary>
        public ReadOnlySpan<byte> Name { get; }

        /// <summary>The value without white space around it; ASCII.</summary>
        public ReadOnlySpan<byte> Value { get; }

        /// <summary>Whether the field has this name; case is of no account (RFC 9110 §5.1).</summary>
        public bool Is(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(Name, name);
    }

    /// <summary>Walks the header fields.</summary>
    public ref struct FieldEnumerator
    {
        private ReadOnlySpan<byte> _rest;

        internal FieldEnumerator(ReadOnlySpan<byte> fields) => _rest = fields;

        /// <summary>The field that <see cref="MoveNext"/> came to.</summary>
        public Field Current { get; private set; }

        /// <summary>Goes on to the next field.</summary>
        public bool MoveNext()
        {
            var end = _rest.IndexOf((byte)'\r'); // values hold none
            if (end < 0) return false;
            var colon = _rest.IndexOf((byte)':');
            Current = new Field(_rest[..colon], _rest[(colon + 1)..end].Trim(" \t"u8));
            _rest = _rest[(end + 2)..];
            return true;
        }
    }
}
