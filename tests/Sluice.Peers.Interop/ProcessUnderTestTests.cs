using System.Diagnostics;

namespace Sluice.Peers.Interop;

public sealed class ProcessUnderTestTests
{
    [Fact]
    public async Task Both_outputs_come_line_by_line()
    {
        await using ProcessUnderTest process = Shell("echo one; echo two >&2; printf 'three, no line end'");

        (await process.Output.ReadLineAsync()).ShouldBe("one");
        (await process.Output.ReadLineAsync()).ShouldBe("three, no line end");
        (await process.Output.ReadLineAsync()).ShouldBeNull();
        (await process.Error.WaitForLineAsync("two")).ShouldBe("two");
        process.Output.Lines.ShouldBe(["one", "three, no line end"]);
    }

    [Fact]
    public async Task A_line_is_found_whether_it_came_already_or_not()
    {
        await using ProcessUnderTest process = ProcessUnderTest.Start("cat");

        Task<string> second = process.Output.WaitForLineAsync(line => line.EndsWith('2'));
        await process.Input.WriteAsync("line 1\nline 2\nline 3\n");

        (await second).ShouldBe("line 2");
        (await process.Output.WaitForLineAsync("line 1")).ShouldBe("line 1");
    }

    [Fact]
    public async Task Bytes_go_through_unchanged()
    {
        await using ProcessUnderTest process = ProcessUnderTest.Start("cat");
        byte[] bytes = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31))];

        await process.Input.BaseStream.WriteAsync(bytes);
        process.Input.Close();

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.ToArray().ShouldBe(bytes);
    }

    [Fact]
    public async Task The_exit_code_comes_with_the_whole_output()
    {
        await using ProcessUnderTest process = Shell("echo last words; exit 7");

        (await process.WaitForExitAsync()).ShouldBe(7);
        process.Output.Text.ShouldBe("last words\n");
    }

    [Fact]
    public async Task Signals_arrive()
    {
        await using ProcessUnderTest terminated = ProcessUnderTest.Start("cat");
        await using ProcessUnderTest interrupted = ProcessUnderTest.Start("cat");
        await using ProcessUnderTest killed = ProcessUnderTest.Start("cat");

        terminated.Terminate();
        interrupted.Interrupt();
        killed.Kill();

        (await terminated.WaitForExitAsync()).ShouldBe(128 + 15);
        (await interrupted.WaitForExitAsync()).ShouldBe(128 + 2);
        (await killed.WaitForExitAsync()).ShouldBe(128 + 9);
    }

    [Fact]
    public async Task A_suspended_process_goes_on_when_resumed()
    {
        await using ProcessUnderTest process = ProcessUnderTest.Start("cat");

        process.Suspend();
        await process.Input.WriteLineAsync("still here");
        process.Resume();

        (await process.Output.ReadLineAsync()).ShouldBe("still here");
    }

    [Fact]
    public async Task An_ended_process_is_not_signalled()
    {
        await using ProcessUnderTest process = Shell("exit 3");
        await process.WaitForExitAsync();

        Should.Throw<InvalidOperationException>(process.Terminate).Message.ShouldContain("ended with 3");
    }

    [Fact]
    public async Task An_output_that_ends_without_the_line_tells_all_about_the_process()
    {
        await using ProcessUnderTest process = Shell("echo something else; echo the cause >&2; exit 9");

        Func<Task> wait = () => process.Output.WaitForLineAsync("listening");

        string message = (await wait.ShouldThrowAsync<EndOfStreamException>()).Message;
        message.ShouldContain("exit code 9");
        message.ShouldContain("something else");
        message.ShouldContain("the cause");
    }

    [Fact]
    public async Task A_line_that_does_not_come_is_a_timeout()
    {
        await using ProcessUnderTest process = ProcessUnderTest.Start("cat");

        Func<Task> wait = () => process.Output.WaitForLineAsync("listening", TimeSpan.FromMilliseconds(1));

        (await wait.ShouldThrowAsync<TimeoutException>()).Message.ShouldContain("still running");
    }

    [Fact]
    public async Task Killing_takes_the_children_along()
    {
        await using ProcessUnderTest process = Shell("sleep 300 & echo started; wait");
        await process.Output.WaitForLineAsync("started");

        process.Kill();

        // The child holds stdout open: that it ends proves that the child has.
        (await process.WaitForExitAsync()).ShouldBe(128 + 9);
    }

    [Fact]
    public async Task Working_directory_and_environment_can_be_chosen()
    {
        var start = new ProcessStartInfo("sh", ["-c", "pwd; echo $SLUICE_TEST"]) { WorkingDirectory = "/" };
        start.Environment["SLUICE_TEST"] = "set";
        await using ProcessUnderTest process = ProcessUnderTest.Start(start);

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.Lines.ShouldBe(["/", "set"]);
    }

    [Fact]
    public void The_root_of_the_repository_is_found() =>
        File.Exists(RepositoryRoot.Combine("tests", "Peers", "peer")).ShouldBeTrue();

    private static ProcessUnderTest Shell(string script) => ProcessUnderTest.Start("sh", "-c", script);
}
