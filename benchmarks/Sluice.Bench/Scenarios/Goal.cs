namespace Sluice.Bench.Scenarios;

/// <summary>What we want a ratio of medians of one run to be, at most.</summary>
internal sealed record Goal(string Scenario, string Against, double Most)
{
    public static IReadOnlyList<Goal> All { get; } =
    [
        new("echo-64-50x1", "floor", 1.15),
        new("echo-64-50x1", "gorilla", 0.9),
        new("echo-64-50x1", "aspnetcore", 0.5),
        new("echo-64-50x16", "floor", 1.3),
        new("echo-64-50x16", "gorilla", 0.1),
        new("echo-65536-50x1", "floor", 1.2),
        new("echo-65536-50x1", "gorilla", 0.3),
        new("fanout-1000", "floor", 1.2),
        new("handshakes", "gorilla", 0.5),
        new("handshakes", "aspnetcore", 0.25),
        new("deflate-fresh", "aspnetcore", 0.8),
        new("deflate-context", "aspnetcore", 0.8),
    ];

    /// <summary>The transport alone, under an unchanged ASP.NET Core app.</summary>
    public static IReadOnlyList<Goal> OfTransport { get; } =
    [
        new("echo-64-50x1", "aspnetcore", 0.7),
        new("echo-64-50x16", "aspnetcore", 1),
    ];
}
