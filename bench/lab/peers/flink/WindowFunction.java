import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** One value() and one update() of the state a record. */
final class WindowFunction
    extends KeyedProcessFunction<String, Reading, Result> {
  // All subtasks are in this process.
  private static final AtomicInteger OPENED = new AtomicInteger();

  private transient ValueState<Vehicle> state;

  @Override
  public void open(OpenContext context) {
    state = getRuntimeContext().getState(
        new ValueStateDescriptor<>("vehicle", PlainType.VEHICLE));
    int all = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    if (OPENED.incrementAndGet() == all) Events.ready();
  }

  @Override
  public void processElement(Reading reading, Context context,
      Collector<Result> out) throws IOException {
    Vehicle vehicle = state.value();
    if (vehicle == null) vehicle = new Vehicle();
    for (Window window : vehicle.close(reading)) {
      out.collect(Result.of(reading.vehicle, window));
    }
    vehicle.add(reading);
    state.update(vehicle);
  }
}
