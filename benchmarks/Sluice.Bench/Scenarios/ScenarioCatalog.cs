using Sluice.Bench.Peers;

namespace Sluice.Bench.Scenarios;

/// <summary>The scenarios: those of a default run, those of a quick one, and the whole cross product of the echo.</summary>
internal static class ScenarioCatalog
{
    // More than this many bytes in flight measures the machine's memory, not the server.
    private const long MostInFlight = 256L << 20;

    // Each process may have 20,000 files open, and a proxy has two for each connection.
    private const int MostMembers = 19_000;
    private const int ManyConnections = 8_000;
    private const int ManyProxied = 8_000;

    public static IReadOnlyList<Scenario> Default { get; } =
    [
        Echo(64, 1, 1),
        Echo(64, 50, 1) with { InQuick = true },
        Echo(64, 50, 16) with { InQuick = true },
        Echo(64, 1000, 1),
        Echo(1024, 50, 1, text: true),
        Echo(65536, 50, 1) with { InQuick = true },
        Echo(65536, 50, 16),
        Echo(1 << 20, 1, 1),
        new("tls-64", "tls", Kind.Echo, "Echo over TLS: 64 B binary, 50 connections, 1 in flight") { Needs = Features.Tls, Variant = Variant.Tls },
        Deflated("fresh", "no context is taken over on either side") with { InQuick = true },
        Deflated("context", "context taken over where the peer agrees"),
        Room(0) with { InQuick = true },
        Room(8000),
        new("capacity", "fanout", Kind.Capacity, "The most members that get 95 % of 4 broadcasts a second within 500 ms")
        {
            Needs = Features.Rooms, Connections = MostMembers, Size = 128, Text = true, MostRounds = 1,
        },
        new("handshakes", "handshakes", Kind.Handshakes, "Handshakes: opened and closed as fast as they go, 32 at a time") { Needs = Features.Echo, InQuick = true },
        new("idle", "idle", Kind.Idle, "Idle connections") { Needs = Features.Idle, Connections = ManyConnections, Before = 2_000, MostRounds = 1, InQuick = true },
        Proxied(64, 50, 1) with { InQuick = true },
        Proxied(64, 50, 16),
        Proxied(65536, 50, 1),
        new("proxy-handshakes", "proxy", Kind.Handshakes, "Through a proxy: handshakes, 32 at a time") { Needs = Features.Proxy },
        new("proxy-idle", "proxy", Kind.Idle, "Through a proxy: idle connections") { Needs = Features.Proxy, Connections = ManyProxied, Before = 1_000, MostRounds = 1 },
    ];

    public static IEnumerable<Scenario> Quick => Default.Where(scenario => scenario.InQuick)
        .Select(scenario => scenario.Kind == Kind.Idle ? scenario with { Connections = 2_000, Before = 1_000, MostRounds = 1 } : scenario);

    /// <summary>The default scenarios, and every echo of four sizes, three counts of connections, two depths, text and binary.</summary>
    public static IEnumerable<Scenario> All => Default.Concat(
        from size in (int[])[64, 1024, 65536, 1 << 20]
        from connections in (int[])[1, 50, 1000]
        from depth in (int[])[1, 16]
        from text in (bool[])[false, true]
        where (long)size * connections * depth <= MostInFlight
        let scenario = Echo(size, connections, depth, text)
        where Default.All(known => known.Id != scenario.Id)
        select scenario);

    public static string Bytes(int size) => size switch
    {
        >= 1 << 20 when size % (1 << 20) == 0 => $"{size >> 20} MiB",
        >= 1024 when size % 1024 == 0 => $"{size >> 10} KiB",
        _ => $"{size} B",
    };

    private static Scenario Echo(int size, int connections, int depth, bool text = false) =>
        new($"echo-{size}-{connections}x{depth}{(text ? "-text" : "")}", "echo", Kind.Echo,
            $"Echo: {Bytes(size)} {(text ? "text" : "binary")}, {connections:N0} connection{(connections == 1 ? "" : "s")}, {depth} in flight")
        {
            Size = size,
            Connections = connections,
            Depth = depth,
            Text = text,
        };

    private static Scenario Deflated(string mode, string what) =>
        new($"deflate-{mode}", "deflate", Kind.Echo, $"Echo with permessage-deflate: 1 KiB JSON, 50 connections, 1 in flight, {what}")
        {
            Needs = Features.Compression,
            Variant = Variant.Compressed,
            Size = 1024,
            Text = true,
            Deflate = mode,
        };

    private static Scenario Room(int idle) =>
        new(idle == 0 ? "fanout-1000" : $"fanout-1000-idle-{idle}", "fanout", Kind.Fanout,
            $"Fan-out: 128 B text to 1,000 members of a room{(idle == 0 ? "" : $", {idle:N0} idle connections beside")}")
        {
            Needs = Features.Rooms,
            Connections = 1000,
            Size = 128,
            Text = true,
            Idle = idle,
            MostRounds = idle == 0 ? int.MaxValue : 2,
        };

    private static Scenario Proxied(int size, int connections, int depth) =>
        Echo(size, connections, depth) with
        {
            Id = $"proxy-{size}-{connections}x{depth}",
            Family = "proxy",
            Title = $"Through a proxy: {Bytes(size)} binary, {connections} connections, {depth} in flight",
            Needs = Features.Proxy,
        };
}
