using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Sluice.Cli.Hosting;

/// <summary>
/// The log on stderr, a line an entry. It keeps no scopes, which it would not show: Kestrel opens one for each connection, and with
/// the execution context that carries it around it is one part in twenty of an idle connection's memory.
/// </summary>
internal sealed class StandardErrorLog(ConsoleLoggerProvider console) : ILoggerProvider
{
    public static void AddTo(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(format =>
        {
            format.SingleLine = true;
            format.TimestampFormat = "HH:mm:ss.fff ";
            format.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Enabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.Services.RemoveAll<ILoggerProvider>();
        logging.Services.AddSingleton<ILoggerProvider>(
            static services => new StandardErrorLog(ActivatorUtilities.CreateInstance<ConsoleLoggerProvider>(services)));
    }

    public ILogger CreateLogger(string categoryName) => console.CreateLogger(categoryName);

    public void Dispose() => console.Dispose();
}
