using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice.Bench.Load;

/// <summary>The line of JSON by which the load generator tells one measurement; what a mode does not measure is 0.</summary>
internal sealed record LoadResult
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Mode { get; init; }

    /// <summary>Messages, deliveries, handshakes, connections or members, by mode.</summary>
    public required long Count { get; init; }

    public double Seconds { get; init; }

    /// <summary>Seconds of processor time, user and system, of the server's processes in the window.</summary>
    [JsonPropertyName("server_cpu")]
    public double ServerCpu { get; init; }

    [JsonPropertyName("load_cpu")]
    public double LoadCpu { get; init; }

    [JsonPropertyName("p50_us")]
    public double P50 { get; init; }

    [JsonPropertyName("p99_us")]
    public double P99 { get; init; }

    [JsonPropertyName("p999_us")]
    public double P999 { get; init; }

    /// <summary>The median time to the last member of a room.</summary>
    [JsonPropertyName("last_us")]
    public double Last { get; init; }

    /// <summary>Bytes of payload that came back for a message, as on the wire.</summary>
    public double BytesBack { get; init; }

    /// <summary>More members than this could not be opened.</summary>
    public bool AtLimit { get; init; }

    /// <exception cref="BenchException">It is no such line.</exception>
    public static LoadResult Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<LoadResult>(line, Format) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new BenchException($"the load generator said '{line}', which is no result: {e.Message}", e);
        }
    }
}
