using Sluice.Bench.Machine;
using Sluice.Bench.Processes;

namespace Sluice.Bench.Tests;

public class ProcTests
{
    private const string Line = "4711 (nginx: worker) S 4710 1 1 0 -1 4194368 100 0 0 0 123 45 6 7 20 0 1 0 99 1000 200";

    [Fact]
    public void A_line_of_stat_gives_parent_and_ticks()
    {
        ProcStat.TryParse(Line, out var stat).ShouldBeTrue();
        stat.ShouldBe(new ProcStat(4711, 4710, 123, 45));
    }

    [Fact]
    public void A_name_with_parentheses_and_blanks_does_not_shift_the_fields()
    {
        ProcStat.TryParse(Line.Replace("nginx: worker", "a) R 1 (b", StringComparison.Ordinal), out var stat).ShouldBeTrue();
        stat.Parent.ShouldBe(4710);
    }

    [Theory]
    [InlineData("6.12.48+deb13-cloud-amd64", "6.12.48")]
    [InlineData("6.18.44", "6.18.44")]
    [InlineData("6.18.-rc1", "6.18")]
    [InlineData("unknown", "unknown")]
    public void A_kernel_is_told_by_its_version_alone(string release, string version) => Facts.Version(release).ShouldBe(version);

    [Theory]
    [InlineData("")]
    [InlineData("4711 nginx S 1")]
    [InlineData("(x) S 1")]
    [InlineData("4711 (x) S 4710")]
    [InlineData("x (x) S 4710 1 1 0 -1 4194368 100 0 0 0 123 45")]
    public void What_is_no_line_of_stat_is_refused(string line) => ProcStat.TryParse(line, out _).ShouldBeFalse();

    [Fact]
    public void The_own_process_is_below_its_parent()
    {
        ProcStat.TryParse(File.ReadAllText("/proc/self/stat"), out var self).ShouldBeTrue();
        ProcessTree.Below(self.Parent).ShouldContain(Environment.ProcessId);
    }

    [Fact]
    public void The_tree_has_grandchildren_and_neither_the_ancestor_nor_strangers() =>
        ProcessTree.Below(1, [new(1, 0, 0, 0), new(2, 1, 0, 0), new(3, 2, 0, 0), new(4, 0, 0, 0)]).ShouldBe([2, 3], ignoreOrder: true);

    [Fact]
    public void A_circle_of_parents_ends() =>
        ProcessTree.Below(1, [new(1, 2, 0, 0), new(2, 1, 0, 0)]).ShouldBe([2]);

    [Fact]
    public void Resident_memory_is_in_bytes()
    {
        ResidentMemory.TryParse("Name:\tx\nVmHWM:\t  999 kB\nVmRSS:\t    2104 kB\n", out var bytes).ShouldBeTrue();
        bytes.ShouldBe(2104 * 1024);
        ResidentMemory.TryParse("Name:\tkthreadd\n", out _).ShouldBeFalse();
    }

    [Fact]
    public void The_resident_memory_of_this_process_is_more_than_nothing() =>
        ProcessTree.ResidentBytes([Environment.ProcessId]).ShouldBeGreaterThan(1 << 20);

    [Theory]
    [InlineData("0-1", 0, 1)]
    [InlineData("2,5-7", 2, 5)]
    [InlineData("3", 3, 3)]
    [InlineData("4-9,12", 4, 5)]
    public void Server_and_load_get_the_first_two_cores(string list, int server, int load) =>
        Cores.Of($"Name:\tx\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\n").ShouldBe(new Cores(server, load));

    [Theory]
    [InlineData("listening 4321", 4321)]
    [InlineData("2026/01/02 03:04:05 listening 4321", 4321)]
    [InlineData("listening on http://127.0.0.1:4321", 4321)]
    public void A_server_tells_its_port(string line, int port)
    {
        ListeningLine.TryParse(line, out var told).ShouldBeTrue();
        told.ShouldBe(port);
    }

    [Theory]
    [InlineData("ready on 4321")]
    [InlineData("listening soon")]
    [InlineData("listening 99999")]
    public void Other_lines_tell_no_port(string line) => ListeningLine.TryParse(line, out _).ShouldBeFalse();
}
