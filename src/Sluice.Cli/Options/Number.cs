using System.Globalization;

namespace Sluice.Cli.Options;

/// <summary>Counts: whole numbers from 1.</summary>
internal static class Number
{
    public static Setting<int> Option(string name, string description, int defaultValue)
        => new(name, description, defaultValue, number => number.ToString(CultureInfo.InvariantCulture))
        {
            HelpName = "number",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0) return number;
                result.AddError($"'{text}' is no whole number from 1 to {int.MaxValue}");
                return 0;
            },
        };
}
