using System.CommandLine;
using Sluice.Cli.Connect;

namespace Sluice.Cli.Verbs;

/// <summary><c>sluice connect</c>: a client for the terminal and for pipes.</summary>
internal static class ConnectCommand
{
    private const string Description = "Connect to a WebSocket server: lines typed or piped in are sent, what comes is printed.";

    private const string Details = """
        Messages go to stdout and nothing else does: a text message as a line, a binary one as its bytes alone (on a
        terminal as a line of hexadecimal digits). Status goes to stderr. Ctrl+C, or Ctrl+D, closes the connection;
        at the end of piped input it is closed once nothing has come for a second (--linger).

        Examples:
          sluice connect ws://127.0.0.1:8080/echo
          printf 'hello\n' | sluice connect ws://127.0.0.1:8080/echo --close-after 1
          sluice connect ws://127.0.0.1:8080/rooms/lobby --every 1s --message 'still here' --count 10
          sluice connect wss://example.com/feed --header 'Authorization: Bearer …' --json < /dev/null --linger off
          sluice connect ws://127.0.0.1:9001/ --echo --repeat 500

        Exit codes: 0 closed normally (1000, 1001, or without a code), 1 closed in another way or lost, 2 wrong usage,
        or input that can't be sent, 3 could not connect, or the handshake was refused. With --repeat: 0 when every
        connection was made, however it ended, else 3.
        """;

    public static Command Create()
    {
        var options = new ConnectOptions();
        var command = new VerbCommand("connect", Description, Details);
        options.AddTo(command);
        command.SetAction((result, _) => Verb.RunAsync(result, () => ConnectRun.RunAsync(options.Read(result), TimeProvider.System)));
        return command;
    }
}
