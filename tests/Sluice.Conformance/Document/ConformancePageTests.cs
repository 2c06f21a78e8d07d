using System.Text.RegularExpressions;
using Sluice.Peers;

namespace Sluice.Conformance.Document;

/// <summary>docs/conformance.md says what is: each test that it names exists, and each row has a test or a reason.</summary>
public partial class ConformancePageTests
{
    private static readonly string[] Levels = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", ""];
    private static readonly string[] Reasons = ["not applicable: ", "not done: "];

    [Fact]
    public void Every_row_has_a_section_a_level_and_a_test_or_a_reason()
    {
        var rows = Rows();
        rows.Count.ShouldBeGreaterThan(150);
        foreach (var row in rows)
        {
            row.Length.ShouldBe(4, string.Join('|', row));
            row[0].ShouldStartWith("§");
            Levels.ShouldContain(row[1]);
            row[2].ShouldNotBeEmpty();
            var hasReason = Reasons.Any(reason => row[3].StartsWith(reason, StringComparison.Ordinal));
            row[3].ShouldNotContain("to come", Case.Insensitive, row[2]);
            (hasReason || TestName().IsMatch(row[3])).ShouldBeTrue(row[2]);
        }
    }

    [Fact]
    public void Every_test_that_it_names_exists()
    {
        var exist = Tests();
        var named = Rows().SelectMany(row => TestName().Matches(row[3])).Select(match => match.Groups["name"].Value).Distinct().ToArray();
        named.Length.ShouldBeGreaterThan(80);
        named.Where(name => !exist.Contains(name)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_class_of_the_suite_shows_something()
    {
        var page = File.ReadAllText(RepositoryRoot.Combine("docs", "conformance.md"));
        var suite = Directory.EnumerateFiles(RepositoryRoot.Combine("tests", "Sluice.Conformance"), "*Tests.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(Path.GetDirectoryName(file)!).StartsWith("Rfc", StringComparison.Ordinal))
            .ToArray();
        suite.Length.ShouldBeGreaterThan(10);
        suite.Where(file => !page.Contains($"`{Path.GetFileNameWithoutExtension(file)}.", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static List<string[]> Rows()
        => [.. File.ReadLines(RepositoryRoot.Combine("docs", "conformance.md"))
            .Where(line => line.StartsWith("| §", StringComparison.Ordinal))
            .Select(line => line[1..^1].Split('|').Select(cell => cell.Trim()).ToArray())];

    private static HashSet<string> Tests()
        => [.. Directory.EnumerateFiles(RepositoryRoot.Combine("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(TestsOf)];

    // A test is a public method behind an attribute; the class is the last one that began before it.
    private static IEnumerable<string> TestsOf(string file)
    {
        var type = "";
        var marked = false;
        foreach (var line in File.ReadLines(file))
        {
            if (ClassName().Match(line) is { Success: true } found) type = found.Groups["name"].Value;
            if (line.TrimStart().StartsWith("[Fact", StringComparison.Ordinal) || line.TrimStart().StartsWith("[Theory", StringComparison.Ordinal)) marked = true;
            if (!marked || MethodName().Match(line) is not { Success: true } method) continue;
            marked = false;
            yield return $"{type}.{method.Groups["name"].Value}";
        }
    }

    [GeneratedRegex(@"`(?<name>\w+\.\w+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TestName();

    [GeneratedRegex(@"^public (?:sealed |static |partial )*class (?<name>\w+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ClassName();

    [GeneratedRegex(@"^    public (?:static )?(?:async )?(?:Task|void|ValueTask) (?<name>\w+)\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MethodName();
}
