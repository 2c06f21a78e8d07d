using Sluice.Fuzz.Engine;

namespace Sluice.Fuzz.Targets;

/// <summary>Every target. A new one is added here, and is then run by the tests and by <c>./fuzz</c>.</summary>
internal static class AllTargets
{
    private static readonly (string Name, Func<Target> Create)[] Known =
    [
        ("frame-reading", static () => new FrameReading()),
        ("frame-writing", static () => new FrameWriting()),
        ("utf8", static () => new Utf8()),
        ("close", static () => new ClosePayloads()),
        ("handshake", static () => new Handshakes()),
        ("differential", static () => new Differential()),
        ("connection", static () => new Connections.Connection()),
        ("http", static () => new HttpHeads()),
        // permessage-deflate (RFC 7692) belongs here: inflating any bytes, and what was deflated inflated again.
    ];

    public static IEnumerable<string> Names => Known.Select(target => target.Name);

    /// <exception cref="UsageException">There is none of that name.</exception>
    public static Target Create(string name)
    {
        var found = Array.Find(Known, target => target.Name == name);
        return found.Create?.Invoke() ?? throw new UsageException($"no target is called '{name}'; there are: {string.Join(", ", Names)}");
    }
}
