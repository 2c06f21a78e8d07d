using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Handshake;

namespace Sluice.Fuzz.Targets;

/// <summary>
/// ServerHandshake, ConnectHandshake and ClientHandshake: nothing in a request or response makes them throw, what they
/// accept is in order by the RFC's own words, what they refuse they refuse in printable words, and memory is bounded.
/// </summary>
internal sealed class Handshakes : Target
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private static readonly string[] Preferences = ["v2.chat", "chat"];

    private static readonly HandshakePolicy[] Policies =
    [
        new() { Subprotocols = Preferences },
        new() { Subprotocols = Preferences, Origins = OriginPolicy.Any },
        new() { Origins = OriginPolicy.Allow(["https://a.example", "http://*.a.example:8080", "http://[::1]"]) },
    ];

    public override string Name => "handshake";

    // Each field: 0 as it should be, 1 absent, else as the block says.
    public override Gen<byte[]> Inputs
        => from flags in Bytes.Any
           from method in Field(Gen.Elements("get", "POST", "CONNECT", "GET "))
           from version in Field(Gen.Elements("HTTP/1.0", "HTTP/2", "HTTP/3.0", "HTTP/1.1 ", "HTTP/9.9", "HTTP/"))
           from host in Field(HeaderText.Host)
           from upgrade in Field(HeaderText.List.Or(Gen.Elements("WebSocket", "websocket, x", "\"websocket\"", "x,websocket", "web socket")))
           from connection in Field(HeaderText.List.Or(Gen.Elements("keep-alive, Upgrade", "UPGRADE", "upgrade,", "\"upgrade\"", "close")))
           from key in Field(Gen.Elements("", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAB==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ== "))
           from number in Field(Gen.Elements("8", "13, 8", " 13", "013", "٣"))
           from subprotocols in Field(HeaderText.List)
           from extensions in Field(HeaderText.Extensions)
           from origin in Field(HeaderText.Origin)
           select (byte[])[flags, .. method, .. version, .. host, .. upgrade, .. connection, .. key, .. number, .. subprotocols, .. extensions, .. origin];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var flags = reader.Byte();
        var connect = (flags & 4) != 0;
        var request = new HandshakeRequest
        {
            Method = Read(reader, connect ? "CONNECT" : "GET") ?? "",
            HttpVersion = Read(reader, "HTTP/1.1"),
            Scheme = (flags & 8) != 0 ? "https" : "http",
            Host = Read(reader, "a.example"),
            Upgrade = Read(reader, "websocket"),
            Protocol = (flags & 16) != 0 ? "websocket" : "x",
            Connection = Read(reader, "Upgrade"),
            Key = Read(reader, Key),
            Version = Read(reader, "13"),
            Subprotocols = Read(reader, null),
            Extensions = Read(reader, null),
            Origin = Read(reader, null),
        };

        var size = input.Length;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        CheckServer(request, Policies[(flags & 3) % Policies.Length], connect, trace);
        CheckExtensions(request.Extensions);
        CheckSubprotocols(request.Subprotocols);
        CheckClient(request, flags, trace);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        // The reference allocates as well: what is shown here is that it stays in proportion.
        if (allocated > 256 * 1024 + (size * 256L)) throw new FuzzFailure("memory is in proportion to the input", $"{allocated} bytes for {size}");
    }

    private static void CheckServer(in HandshakeRequest request, HandshakePolicy policy, bool connect, Trace trace)
    {
        var outcome = connect ? ConnectHandshake.Evaluate(request, policy) : ServerHandshake.Evaluate(request, policy);
        if (!outcome.IsAccepted)
        {
            trace.Note(1, (int)outcome.Refusal.Reason);
            FuzzFailure.Unless(outcome.Refusal.Status is 400 or 403 or 405 or 426, "the status of a refusal");
            CheckWords(outcome.Refusal.Message);
            FuzzFailure.Unless(!outcome.Refusal.Headers.Any(header => header.Value.AsSpan().ContainsAny('\r', '\n')), "headers of a refusal stay on their lines");
            return;
        }
        trace.Note(2, outcome.Extensions.Count + (outcome.Subprotocol is null ? 0 : 64));
        FuzzFailure.UnlessSame(request.Version, "13", "only version 13 is accepted");
        FuzzFailure.Unless(!string.IsNullOrEmpty(request.Host), "a Host is there");
        if (connect)
        {
            FuzzFailure.Unless(request is { Method: "CONNECT", Protocol: "websocket" } && outcome.Accept is null, "an accepted CONNECT");
        }
        else
        {
            FuzzFailure.Unless(request.Method == "GET" && Convert.FromBase64String(request.Key!).Length == 16, "an accepted GET");
            FuzzFailure.Unless(Mentions(request.Upgrade, "websocket") && Mentions(request.Connection, "upgrade"), "an accepted upgrade is asked for");
            FuzzFailure.UnlessSame(outcome.Accept, AcceptOf(request.Key!), "the accept value");
        }
        if (outcome.Subprotocol is { } chosen) FuzzFailure.Unless(Preferences.Contains(chosen) && Mentions(request.Subprotocols, chosen), "the subprotocol was offered");
        CheckOrigin(request, policy);
    }

    // By Uri's idea of a host, which browsers' origins always satisfy: who is let in has the same one.
    private static void CheckOrigin(in HandshakeRequest request, HandshakePolicy policy)
    {
        if (request.Origin is null || policy.Origins != OriginPolicy.SameOrigin) return;
        if (!Uri.TryCreate(request.Origin, UriKind.Absolute, out var origin) || !Uri.TryCreate($"http://{request.Host}", UriKind.Absolute, out var host)) return;
        FuzzFailure.UnlessSame(origin.Host.ToUpperInvariant(), host.Host.ToUpperInvariant(), "a page of another origin is not let in");
        FuzzFailure.Unless(origin.Scheme is "http" or "https" && origin.UserInfo.Length == 0, "an origin is that of a page");
    }

    private static void CheckExtensions(string? header)
    {
        if (!ExtensionOffer.TryParse(header, out var offers, out var error))
        {
            CheckWords(error);
            FuzzFailure.UnlessSame(offers.Count, 0, "a malformed header offers nothing");
            return;
        }
        var written = ExtensionOffer.ToHeader(offers);
        if (written is { Length: > ExtensionOffer.MaxLength }) return; // ", " and "; " take more room than they were read from
        FuzzFailure.Unless(ExtensionOffer.TryParse(written, out var again, out _), "what was accepted is accepted when printed");
        FuzzFailure.UnlessSame(ExtensionOffer.ToHeader(again), written, "what was accepted prints the same again");
        FuzzFailure.Unless(offers.Zip(again).All(pair => pair.First.Name == pair.Second.Name && pair.First.Parameters.SequenceEqual(pair.Second.Parameters)), "what was accepted re-parses to the same");
    }

    private static void CheckSubprotocols(string? header)
    {
        var accepted = Subprotocols.TryParse(header, out var offered, out var error);
        if (!accepted) CheckWords(error!);
        if (header is null || header.Contains('"', StringComparison.Ordinal) || header.Length > Subprotocols.MaxLength) return;
        // Without quotes a list is what a split at the commas says.
        var elements = header.Split(',').Select(element => element.Trim(' ', '\t')).Where(element => element.Length > 0).ToArray();
        var valid = elements.Length is > 0 and <= Subprotocols.MaxCount && elements.Distinct(StringComparer.Ordinal).Count() == elements.Length
            && elements.All(element => element.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)));
        FuzzFailure.UnlessSame(accepted, valid, "a list of subprotocols is unique tokens");
        if (valid) FuzzFailure.Unless(offered.SequenceEqual(elements), "the subprotocols in their order");
    }

    private static void CheckClient(in HandshakeRequest fields, byte flags, Trace trace)
    {
        var handshake = new ClientHandshake(Preferences, [new ExtensionOffer("permessage-deflate"), new ExtensionOffer("x")], Key);
        var outcome = handshake.Validate(new HandshakeResponse
        {
            Status = (flags & 32) == 0 ? 101 : flags * 4,
            Upgrade = fields.Upgrade,
            Connection = fields.Connection,
            Accept = (flags & 64) == 0 ? AcceptOf(Key) : fields.Key,
            Subprotocol = fields.Subprotocols,
            Extensions = fields.Extensions,
        });
        if (!outcome.IsAccepted)
        {
            trace.Note(3, (int)outcome.Failure.Reason);
            CheckWords(outcome.Failure.Message);
            return;
        }
        trace.Note(4, outcome.Extensions.Count);
        FuzzFailure.Unless((flags & 96) == 0 || fields.Key == AcceptOf(Key), "only a 101 that answers the key is accepted");
        FuzzFailure.Unless(outcome.Subprotocol is null || Preferences.Contains(outcome.Subprotocol), "the server's subprotocol was offered");
        FuzzFailure.Unless(outcome.Extensions.All(extension => extension.Name is "permessage-deflate" or "x"), "the server's extensions were offered");
    }

    private static void CheckWords(string message)
    {
        FuzzFailure.Unless(message.Length is > 0 and < 500, "a refusal is short");
        FuzzFailure.Unless(!message.Replace('§', 'S').AsSpan().ContainsAnyExceptInRange(' ', '~'), "a refusal is printable");
    }

    private static bool Mentions(string? list, string token) => list is not null && list.Contains(token, StringComparison.OrdinalIgnoreCase);

    private static string AcceptOf(string key)
    {
#pragma warning disable CA5350 // RFC 6455 §4.2.2 has it so.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    private static Gen<byte[]> Field(Gen<string> near) => Gen.Frequency(
        (60, Gen.Constant(new byte[] { 0 })),
        (4, Gen.Constant(new byte[] { 1 })),
        (30, near.Select(text => (byte[])[2, .. Bytes.AsBlock(HeaderText.ToBytes(text))])),
        (1, HeaderText.Long.Select(text => (byte[])[2, .. Bytes.AsBlock(HeaderText.ToBytes(text))])),
        (2, Bytes.Noise.Select(noise => (byte[])[2, .. Bytes.AsBlock(noise)])));

    private static string? Read(InputReader reader, string? usual) => reader.Byte() switch
    {
        0 => usual,
        1 => null,
        _ => HeaderText.FromBytes(reader.Block()),
    };
}
