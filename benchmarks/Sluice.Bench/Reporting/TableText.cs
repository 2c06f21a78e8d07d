using System.Text;
using Sluice.Bench.Peers;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Reporting;

/// <summary>A table in Markdown, with the columns of its kind.</summary>
internal static class TableText
{
    private sealed record Column(string Title, Func<Row, string> Value);

    public static string Write(Table table)
    {
        var text = new StringBuilder();
        var columns = Columns(table);
        text.Append("| |").AppendJoin("|", columns.Select(column => $" {column.Title} ")).Append("|\n");
        text.Append("|---|").AppendJoin("|", columns.Select(_ => "---:")).Append("|\n");
        foreach (var row in table.Rows)
        {
            var name = row.Peer.IsOurs ? $"**{row.Peer.Title}**" : row.Peer.Title;
            text.Append($"| {name} |").AppendJoin("|", columns.Select(column => $" {column.Value(row)} ")).Append("|\n");
        }

        foreach (var absence in table.Absences) text.Append($"\nNot in the table: {Title(absence.Peer)}, {absence.Reason}.\n");
        return text.ToString();
    }

    private static string Title(string peer) => PeerCatalog.Servers.Concat(PeerCatalog.Proxies).First(known => known.Id == peer).Title;

    private static Column[] Columns(Table table)
    {
        var kind = table.Scenario.Kind;
        Column[] first =
        [
            new(kind switch { Kind.Idle => "KiB per connection", Kind.Capacity => "members", _ => $"CPU µs per {table.Scenario.Unit}" },
                row => kind == Kind.Capacity && row.Samples.Any(sample => sample.Result.AtLimit) ? $"≥ {Number.Of(row.Figure.Median)}" : Number.Of(row.Figure.Median)),
            new("least – most", row => $"{Number.Of(row.Figure.Least)} – {Number.Of(row.Figure.Most)}"),
        ];
        Column toFloor = new("× floor", row => table.Floor is { } floor ? Number.Ratio(row.Figure.Median, floor.Figure.Median) : "–");
        Column toOurs = new("× ours", row => table.Ours is { } ours ? Number.Ratio(row.Figure.Median, ours.Figure.Median) : "–");
        Column[] ratios = table.Floor is null ? [toOurs] : [toFloor, toOurs];
        return kind switch
        {
            Kind.Idle => [.. first, .. ratios, new("after a message on each", row => Number.Of(row.UsedKibibytes.Median)), new("CPU µs to open one", row => Number.Of(row.Cpu.Median))],
            Kind.Capacity => [.. first, toOurs],
            _ => [.. first, .. ratios, .. Speed(table)],
        };
    }

    private static IEnumerable<Column> Speed(Table table)
    {
        yield return new("per second", row => Number.Of(row.PerSecond.Median));
        yield return new("p50 µs", row => Number.Of(row.Of(sample => sample.Result.P50).Median));
        yield return new("p99 µs", row => Number.Of(row.Of(sample => sample.Result.P99).Median));
        yield return new("p99.9 µs", row => Number.Of(row.Of(sample => sample.Result.P999).Median));
        if (table.Scenario.Kind == Kind.Fanout) yield return new("to the last µs", row => Number.Of(row.Of(sample => sample.Result.Last).Median));
        if (table.Scenario.Deflate is not null)
            yield return new("bytes back", row => Number.Of(row.Of(sample => sample.Result.BytesBack).Median));
        yield return new("MiB", row => Number.Of(row.Of(sample => sample.ResidentBytes / 1048576.0).Median));
        yield return new("core: server", row => Number.Share(row.ServerShare));
        yield return new("load", row => Number.Share(row.LoadShare));
        yield return new("at its limit", row => row.Limit);
    }
}
