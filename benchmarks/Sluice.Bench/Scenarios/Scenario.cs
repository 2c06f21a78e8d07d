using System.Globalization;
using Sluice.Bench.Peers;

namespace Sluice.Bench.Scenarios;

internal enum Kind
{
    Echo,
    Fanout,
    Capacity,
    Handshakes,
    Idle,
}

/// <summary>One table of the report: a load, and all the peers that can bear it.</summary>
internal sealed record Scenario(string Id, string Family, Kind Kind, string Title)
{
    public Features Needs { get; init; } = Features.Echo;

    public Variant Variant { get; init; }

    public int Connections { get; init; } = 50;

    /// <summary>Messages in flight on each connection.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Bytes of payload.</summary>
    public int Size { get; init; } = 64;

    public bool Text { get; init; }

    /// <summary><c>fresh</c> or <c>context</c>: whether the window of one message serves the next (RFC 7692 §7.1.1).</summary>
    public string? Deflate { get; init; }

    /// <summary>Idle connections beside the room.</summary>
    public int Idle { get; init; }

    /// <summary>Idle connections opened before those that count: what the first ones cost, as code that is compiled, is none of
    /// theirs.</summary>
    public int Before { get; init; }

    public int MostRounds { get; init; } = int.MaxValue;

    public bool InQuick { get; init; }

    /// <summary>What its figures are for each of.</summary>
    public string Unit => Kind switch { Kind.Fanout => "delivery", Kind.Handshakes => "handshake", Kind.Idle => "connection", _ => "message" };

    public bool IsProxied => Needs == Features.Proxy;

    /// <summary>What the load generator is told.</summary>
    public IEnumerable<string> Arguments()
    {
        yield return "--mode";
        yield return Kind switch { Kind.Fanout => "fanout", Kind.Capacity => "capacity", Kind.Handshakes => "handshakes", Kind.Idle => "idle", _ => "echo" };
        foreach (var (name, value) in new[] { ("--connections", Connections), ("--depth", Depth), ("--size", Size), ("--idle", Idle) })
        {
            yield return name;
            yield return value.ToString(CultureInfo.InvariantCulture);
        }

        if (Kind == Kind.Capacity)
        {
            yield return "--to";
            yield return Connections.ToString(CultureInfo.InvariantCulture);
        }

        yield return "--path";
        yield return Kind is Kind.Fanout or Kind.Capacity ? "/rooms/bench" : "/echo";
        if (Text) yield return "--text";
        if (Variant == Variant.Tls) yield return "--tls";
        if (Deflate is null) yield break;
        yield return "--deflate";
        yield return Deflate;
    }
}
