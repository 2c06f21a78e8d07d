using System.Globalization;
using System.Text;
using Sluice.Bench.Machine;
using Sluice.Bench.Measuring;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Reporting;

/// <summary>The page with every table, and the charts beside it.</summary>
internal sealed class Report(Facts facts, Cores cores, BenchSettings settings, string command, IReadOnlyList<Table> tables)
{
    private const string Charts = "benchmarks";
    private static readonly (string Family, string Title, string Intro)[] Families =
    [
        ("echo", "Echo", "What a client sends comes back."),
        ("tls", "TLS", "TLS 1.3 with a certificate of P-256; each as the runtime's own TLS does it."),
        ("deflate", "permessage-deflate", "The load sends messages that were compressed before, and inflates what comes back: every message when the server keeps its context, one in 16 else. *Bytes back* tells at which ratio the server compresses."),
        ("fanout", "Fan-out", "One member publishes, the next message follows when the last member has the one before. CPU is per message delivered to a member."),
        ("handshakes", "Handshakes", "From connecting to the closing handshake, 32 connections at a time."),
        ("idle", "Idle connections", "What a connection costs on which nothing comes and goes."),
        ("proxy", "Proxies", "In front of the same backend (`sluice serve`), which shares the load's core; its CPU time counts as the load's."),
    ];

    /// <summary>Writes <c>benchmarks.md</c> and <c>benchmarks/*.svg</c> into a directory.</summary>
    public void WriteTo(string directory)
    {
        var charts = Directory.CreateDirectory(Path.Combine(directory, Charts)).FullName;
        foreach (var old in Directory.EnumerateFiles(charts, "*.svg")) File.Delete(old);
        foreach (var table in tables.Where(table => table.Rows.Count > 0))
            File.WriteAllText(Path.Combine(charts, table.Scenario.Id + ".svg"), Chart(table));
        File.WriteAllText(Path.Combine(directory, "benchmarks.md"), Page());
    }

    private static string Chart(Table table) => BarChart.Write(table.Scenario.Title, Losses.Unit(table.Scenario),
        [.. table.Rows.Select(row => new Bar(row.Peer.Title, row.Figure, row.Peer.IsOurs ? BarChart.Ours : row.Peer.IsFloor ? BarChart.Floor : BarChart.Peer))]);

    private string Page()
    {
        var page = new StringBuilder();
        page.Append("# Benchmarks\n\n");
        page.Append("This page and its charts are written by `./bench`; every figure is from one run of it. How it measures stands in\n");
        page.Append("[benchmarks/README.md](../benchmarks/README.md).\n\n");
        Machine(page);
        Ratios(page);
        Lost(page);
        foreach (var (family, title, intro) in Families)
        {
            var ofFamily = tables.Where(table => table.Scenario.Family == family && table.Rows.Count + table.Absences.Count > 0).ToList();
            if (ofFamily.Count == 0) continue;
            page.Append(CultureInfo.InvariantCulture, $"## {title}\n\n{intro}\n\n");
            foreach (var table in ofFamily)
            {
                page.Append(CultureInfo.InvariantCulture, $"### {table.Scenario.Title}\n\n");
                if (table.Rows.Count > 0) page.Append(CultureInfo.InvariantCulture, $"![{table.Scenario.Title}]({Charts}/{table.Scenario.Id}.svg)\n\n");
                if (table.Scenario.Kind == Kind.Idle) page.Append(Reading(table.Scenario));
                page.Append(TableText.Write(table)).Append('\n');
            }
        }

        return page.ToString().TrimEnd() + "\n";
    }

    private string Reading(Scenario scenario) => string.Create(
        CultureInfo.InvariantCulture,
        $"Growth of resident memory by the connections opened after the first {scenario.Before:N0}, read {settings.Calm.TotalSeconds:0.##} s after the last one, and again after one message there and back on each.\n\n");

    private void Machine(StringBuilder page)
    {
        page.Append("## The run\n\n| | |\n|---|---|\n");
        page.Append(CultureInfo.InvariantCulture, $"| command | `{command}` |\n");
        page.Append(CultureInfo.InvariantCulture, $"| day | {DateTime.UtcNow:yyyy-MM-dd} |\n");
        page.Append(CultureInfo.InvariantCulture, $"| machine | {facts.Processor}, {facts.Cores} cores, {facts.MemoryGiB:0.0} GiB, Linux {facts.Kernel} |\n");
        page.Append(cores.AreShared
            ? "| cores | **one for both server and load**: only the CPU time tells something |\n"
            : string.Create(CultureInfo.InvariantCulture, $"| cores | server on {cores.Server}, load on {cores.Load} |\n"));
        page.Append(CultureInfo.InvariantCulture, $"| rounds | up to {settings.Rounds} of {settings.Window.TotalSeconds:0.##} s, twice as many for the ratios below, by turns; medians, least and most |\n");
        foreach (var (name, version) in facts.Versions) page.Append(CultureInfo.InvariantCulture, $"| {name} | {version} |\n");
        page.Append('\n');
    }

    private void Ratios(StringBuilder page)
    {
        var lines = Ratios("sluice", Goal.All).Concat(Ratios("aspnetcore-epoll", Goal.OfTransport)).ToList();
        if (lines.Count == 0) return;
        page.Append("## Ratios that we hold ourselves to\n\nOf medians of this run, of server CPU time for each message, delivery or handshake.\n\n");
        page.Append("| scenario | what | against | ratio | at most | |\n|---|---|---|---:|---:|---|\n");
        foreach (var line in lines) page.Append(line);
        page.Append('\n');
    }

    private IEnumerable<string> Ratios(string peer, IEnumerable<Goal> goals)
    {
        foreach (var goal in goals)
        {
            var table = tables.FirstOrDefault(table => table.Scenario.Id == goal.Scenario);
            if (table?.Find(peer) is not { } ours || table.Find(goal.Against) is not { } theirs) continue;
            var ratio = ours.Figure.Median / theirs.Figure.Median;
            yield return $"| {table.Scenario.Title} | {ours.Peer.Title} | {theirs.Peer.Title} | {Number.Of(ratio)} | {Number.Of(goal.Most)} | {(ratio <= goal.Most ? "met" : "**missed**")} |\n";
        }
    }

    private void Lost(StringBuilder page)
    {
        page.Append("## Where we lose\n\n");
        var losses = Losses.Of(tables).ToList();
        if (losses.Count == 0) page.Append("Nowhere in this run.\n");
        foreach (var loss in losses) page.Append(CultureInfo.InvariantCulture, $"- {loss}\n");
        page.Append('\n');
    }
}
