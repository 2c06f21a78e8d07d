using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

public sealed class UsageTests
{
    public static TheoryData<string, string> WrongLines => new()
    {
        { "", "a command is missing: the commands are serve, connect, proxy" },
        { "srve --listen http://127.0.0.1:0", "there is no 'srve': the commands are serve, connect, proxy" },
        { "--frobnicate", "there is no '--frobnicate': the commands are" },
        { "serve --frobnicate", "there is no option '--frobnicate'" },
        { "proxy --frobnicate", "there is no option '--frobnicate'" },
        { "connect --frobnicate ws://127.0.0.1:1", "there is no option '--frobnicate'" },
        { "serve http://127.0.0.1:0", "'http://127.0.0.1:0' is not expected here" },
        { "serve --listen 127.0.0.1:8080", "write http://127.0.0.1:8080" },
        { "serve --listen ws://127.0.0.1:8080", "write http://127.0.0.1:8080" },
        { "serve --listen http://127.0.0.1:8080/path", "no path" },
        { "serve --listen http://example.com:8080", "IP address" },
        { "serve --listen https://127.0.0.1:0", "--cert and --key, or --tls" },
        { "serve --listen http://127.0.0.1:0 --tls", "no --listen address begins with https" },
        { "serve --cert site.pem", "--cert and --key go together" },
        { "serve --key site.key", "--cert and --key go together" },
        { "serve --tls --cert site.pem --key site.key", "leave out --tls" },
        { "serve --cert /nonexistent.pem --key /nonexistent.key", "can't read the certificate" },
        { "serve --origin example.com", "write https://" },
        { "serve --subprotocol a,b", "token" },
        { "serve --max-message 0", "size from 1 to 1GiB" },
        { "serve --max-message many", "'many' is no size" },
        { "serve --ping 1ms", "time from 100ms" },
        { "serve --drain soon", "'soon' is no time" },
        { "connect", "connect" },
        { "connect 127.0.0.1:8080/echo", "did you mean ws://127.0.0.1:8080/echo?" },
        { "connect localhost:8080", "did you mean ws://localhost:8080?" },
        { "connect ftp://127.0.0.1/", "write ws://" },
        { "connect ws:///echo", "write ws://" },
        { "connect ws://127.0.0.1/#here", "%23" },
        { "connect ws://me:secret@127.0.0.1/", "--user" },
        { "connect ws://127.0.0.1/ --text --binary", "--text and --binary" },
        { "connect ws://127.0.0.1/ --echo --text", "--echo" },
        { "connect ws://127.0.0.1/ --echo --binary", "--echo" },
        { "connect ws://127.0.0.1/ --echo --every 1s", "--every" },
        { "connect ws://127.0.0.1/ --echo --linger 1s", "--linger" },
        { "connect ws://127.0.0.1/ --message hello", "add --every 1s" },
        { "connect ws://127.0.0.1/ --count 3", "add --every 1s" },
        { "connect ws://127.0.0.1/ --repeat 3", "add --echo" },
        { "connect --bogus", "no option '--bogus'" },
        { "connect wss://127.0.0.1/ --insecure --cacert ca.pem", "--insecure" },
        { "connect wss://127.0.0.1/ --cacert /nonexistent.pem", "can't read the certificates" },
        { "connect wss://127.0.0.1/ --cacert /dev/null", "no certificate" },
        { "connect ws://127.0.0.1/ --close-after 0", "number from 1" },
        { "connect ws://127.0.0.1/ --every 0", "time from 1ms" },
        { "connect ws://127.0.0.1/ --timeout 0", "time from 100ms" },
        { "connect ws://127.0.0.1/ --header NoColon", "'Name: value'" },
        { "connect ws://127.0.0.1/ --header Upgrade:x", "Upgrade" },
        { "connect ws://127.0.0.1/ --header Sec-WebSocket-Key:x", "Sec-WebSocket-Key" },
        { "connect ws://127.0.0.1/ --subprotocol a,b", "token" },
        { "proxy", "--listen" },
        { "proxy --listen http://127.0.0.1:0", "--to" },
        { "proxy --listen http://127.0.0.1:0 --to 127.0.0.1", "http://127.0.0.1:8080" },
        { "proxy --listen http://127.0.0.1:0 --to ws://127.0.0.1:1", "write http" },
        { "proxy --listen http://127.0.0.1:0 --to http://127.0.0.1:1 --insecure", "--insecure" },
        { "proxy --listen http://127.0.0.1:8080 --to http://127.0.0.1:8080", "itself" },
        { "proxy --listen http://*:8080 --to http://localhost:8080/app", "itself" },
    };

    [Theory]
    [MemberData(nameof(WrongLines))]
    public async Task Wrong_usage_ends_with_2_and_says_what_to_do(string line, string advice)
    {
        var finished = await Command.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        finished.ExitCode.ShouldBe(2, finished.Error);
        finished.Output.ShouldBeEmpty();
        finished.Error.ShouldStartWith("sluice: ");
        finished.Error.ShouldContain(advice);
        finished.Error.ShouldContain("--help'");
        finished.Error.ShouldNotContain("Exception");
        finished.Error.ShouldNotContain("Parameter '");
    }

    [Theory]
    [InlineData("serve", "sluice serve --listen")]
    [InlineData("connect", "printf 'hello\\n' | sluice connect")]
    [InlineData("proxy", "sluice proxy --listen")]
    public async Task The_help_of_every_verb_has_examples_and_exit_codes(string verb, string example)
    {
        var finished = await Command.RunAsync(verb, "--help");

        finished.ExitCode.ShouldBe(0);
        finished.Error.ShouldBeEmpty();
        finished.Output.ShouldContain($"sluice {verb} ");
        finished.Output.ShouldContain(example);
        finished.Output.ShouldContain("Exit codes: 0 ");
    }

    [Fact]
    public async Task A_message_that_begins_with_an_at_sign_names_no_file()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--every", "1h", "--count", "1", "--message", "@everyone");
        using var peer = await server.OpenAsync();

        (await peer.ReadFrameAsync())!.Text.ShouldBe("@everyone");
    }
}
