using System.Collections.ObjectModel;

namespace Sluice.Bench.Processes;

/// <summary>How a server is started.</summary>
/// <param name="Words">The program and its arguments.</param>
/// <param name="Port">The port it was told to listen on; null: it takes a free one and tells.</param>
internal sealed record ServerCommand(IReadOnlyList<string> Words, int? Port = null)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}
